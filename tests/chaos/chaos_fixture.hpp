// Runs of a whole session that nobody may notice anything of.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/chaos/session.hpp"

namespace fanfold::chaos {

// The oracle is worked out once for each program: it takes as long as a run.
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
    options.nemesis.gap_max = std::chrono::milliseconds(300);
    options.nemesis.faults_max = 24;
    options.nemesis.pause_max = std::chrono::milliseconds(3000);
    return options;
  }

  static void expect_unnoticed(const SessionOptions& options,
                               proto::ShufflePath shuffle = proto::ShufflePath::kAuto) {
    Session session(*workspace_, *oracle_, options);
    for (const std::string& job : oracle_->jobs()) session.run_job(job, shuffle);
    const SessionOutcome outcome = session.finish();
    EXPECT_THAT(outcome.violations, testing::IsEmpty())
        << "seed " << options.nemesis.seed << ": " << describe(outcome);
    EXPECT_EQ(outcome.jobs_succeeded, oracle_->jobs().size());
    // A run in which nothing happened shows nothing.
    EXPECT_FALSE(outcome.faults.empty());
    EXPECT_GT(outcome.reader_looks, 10u);
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.nemesis.seed),
                describe(outcome).c_str());
  }

  static constexpr std::uint64_t kInputBytes = 64u << 20;
  inline static e2e::Workspace* workspace_ = nullptr;
  inline static Oracle* oracle_ = nullptr;
};

}  // namespace fanfold::chaos
