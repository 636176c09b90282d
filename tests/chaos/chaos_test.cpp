// A few short chaos runs for every change; scripts/soak does many.

#include "tests/chaos/chaos_fixture.hpp"

namespace fanfold::chaos {
namespace {

TEST_F(Chaos, KilledAndPausedWorkersAndExecutorsGoUnnoticed) { expect_unnoticed(quick(1)); }

TEST_F(Chaos, APausedMasterAndKilledDataServersGoUnnoticed) {
  SessionOptions options = quick(2);
  options.nemesis.faults = {Fault::kKillWorker, Fault::kPauseMaster, Fault::kPauseWorker};
  expect_unnoticed(options, proto::ShufflePath::kNetwork);
}

TEST_F(Chaos, ABadNetworkGoesUnnoticed) {
  SessionOptions options = quick(3);
  options.cluster.relays = true;
  options.nemesis.faults = {Fault::kSlowLink,  Fault::kCorruptLink, Fault::kSwallowLink,
                            Fault::kResetLink, Fault::kCutSockets,  Fault::kKillWorker};
  expect_unnoticed(options, proto::ShufflePath::kNetwork);
}

}  // namespace
}  // namespace fanfold::chaos
