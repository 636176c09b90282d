// A few short chaos runs for every change; scripts/soak does many.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/chaos/session.hpp"

namespace fanfold::chaos {
namespace {

using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr std::uint64_t kInputBytes = 64u << 20;

// The oracle is worked out once: it takes as long as a run.
class Chaos : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    workspace_ = new e2e::Workspace;
    OracleOptions options;
    options.input_bytes = kInputBytes;
    oracle_ = new Oracle(*workspace_, options);
  }
  static void TearDownTestSuite() {
    delete oracle_;
    delete workspace_;
  }

  static SessionOptions quick(std::uint64_t seed) {
    SessionOptions options;
    options.nemesis.seed = seed;
    options.nemesis.gap_max = 300ms;
    options.nemesis.faults_max = 24;
    options.nemesis.pause_max = 3000ms;
    return options;
  }

  static void expect_unnoticed(const SessionOptions& options,
                               proto::ShufflePath shuffle = proto::ShufflePath::kAuto) {
    Session session(*workspace_, *oracle_, options);
    for (const std::string& job : oracle_->jobs()) session.run_job(job, shuffle);
    const SessionOutcome outcome = session.finish();
    EXPECT_THAT(outcome.violations, IsEmpty())
        << "seed " << options.nemesis.seed << ": " << describe(outcome);
    EXPECT_EQ(outcome.jobs_succeeded, oracle_->jobs().size());
    // A run in which nothing happened shows nothing.
    EXPECT_FALSE(outcome.faults.empty());
    EXPECT_GT(outcome.reader_looks, 10u);
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.nemesis.seed),
                describe(outcome).c_str());
  }

  static e2e::Workspace* workspace_;
  static Oracle* oracle_;
};

e2e::Workspace* Chaos::workspace_ = nullptr;
Oracle* Chaos::oracle_ = nullptr;

TEST_F(Chaos, KilledAndPausedWorkersAndExecutorsGoUnnoticed) { expect_unnoticed(quick(1)); }

TEST_F(Chaos, APausedMasterAndKilledDataServersGoUnnoticed) {
  SessionOptions options = quick(2);
  options.nemesis.faults = {Fault::kKillWorker, Fault::kPauseMaster, Fault::kPauseWorker};
  expect_unnoticed(options, proto::ShufflePath::kNetwork);
}

}  // namespace
}  // namespace fanfold::chaos
