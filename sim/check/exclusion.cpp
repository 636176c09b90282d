// I15: workers that get nothing for what they did wrong are few, never all, and not for ever.

#include "sim/check/exclusion.hpp"

#include <algorithm>
#include <cstddef>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

/// No exclusion is longer (master/scheduler/policy.hpp).
constexpr std::uint64_t kLongestMs = 600'000;

class Exclusion final : public Checker {
 public:
  using Checker::Checker;

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& /*message*/) override {
    look_ = true;
  }
  void fact(const master::Fact& /*fact*/, std::uint64_t /*epoch*/) override { look_ = true; }
  void step() override {
    if (!std::exchange(look_, false)) return;
    const MasterNode* master = scene().cluster->only_master();
    if (master == nullptr) return;
    if (const auto wrong = wrong_exclusion(master->workers())) violate("I15", *wrong);
  }

 private:
  bool look_ = false;
};

}  // namespace

std::optional<std::string> wrong_exclusion(const std::vector<proto::WorkerStatus>& workers) {
  std::size_t could_work = 0;
  std::size_t excluded = 0;
  for (const proto::WorkerStatus& worker : workers) {
    if (worker.draining) continue;
    ++could_work;
    if (worker.standing != proto::WorkerStanding::kExcluded) continue;
    ++excluded;
    if (worker.excluded_ms > kLongestMs) {
      return "worker " + std::to_string(worker.worker.value) + " is excluded for " +
             std::to_string(worker.excluded_ms) + " ms";
    }
  }
  if (excluded == 0) return std::nullopt;
  const std::string counts =
      std::to_string(excluded) + " of " + std::to_string(could_work) + " workers are excluded";
  if (excluded == could_work) return counts + ", which is all of them";
  if (excluded > std::max<std::size_t>(1, could_work * 33 / 100)) return counts;
  return std::nullopt;
}

std::unique_ptr<Checker> check_exclusion(Scene& scene) {
  return std::make_unique<Exclusion>(scene);
}

}  // namespace fanfold::sim
