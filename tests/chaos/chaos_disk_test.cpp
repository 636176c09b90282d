// Runs on a small disk, which needs the right to mount one.

#include "tests/chaos/chaos_fixture.hpp"

namespace fanfold::chaos {
namespace {

using namespace std::chrono_literals;

TEST_F(Chaos, AScratchDiskThatIsFullNowAndThenGoesUnnoticed) {
  SessionOptions options = quick(4);
  options.cluster.scratch_bytes = 4 * kInputBytes;
  options.nemesis.faults = {Fault::kFillDisk, Fault::kKillWorker};
  options.nemesis.full_gap_min = 1s;
  expect_unnoticed(options);
}

}  // namespace
}  // namespace fanfold::chaos
