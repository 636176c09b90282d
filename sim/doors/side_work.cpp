#include "sim/doors/side_work.hpp"

#include <utility>

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kShortest = 1ms;
constexpr Duration kLongest = 80ms;
constexpr Duration kSlowest = 5s;
/// A crash in the middle comes within so many file operations.
constexpr std::uint64_t kOperationsMax = 40;

class LaterWork final : public master::SideWork {
 public:
  LaterWork(const SideWorkPlace& place, Options options)
      : place_(place), options_(std::move(options)) {}

  bool start(std::function<master::SideResult()> work) override {
    if (outstanding_ == options_.queued_max) return false;
    ++outstanding_;
    const std::uint64_t n = ++place_.started;
    Duration time(static_cast<std::int64_t>(place_.world.draws.between(
        Stream::kScheduler, {1'000'000, n}, static_cast<std::uint64_t>(kShortest.count()),
        static_cast<std::uint64_t>(kLongest.count()))));
    const Fault slow{FaultKind::kSideWorkSlow, 0, 0, n};
    if (place_.world.faults.happens(slow)) {
      time += place_.world.faults.measure(slow, 0, kLongest, kSlowest);
    }
    place_.world.timeline.after(
        time, [this, n, work = std::move(work), lives = std::weak_ptr<int>(life_)] {
          if (!lives.expired()) run(n, work);
        });
    return true;
  }

  std::vector<master::SideResult> finished() override {
    outstanding_ -= results_.size();
    return std::exchange(results_, {});
  }

  bool idle() const override { return outstanding_ == 0; }

 private:
  void run(std::uint64_t n, const std::function<master::SideResult()>& work) {
    const Fault crash{FaultKind::kCrashInSideWork, 0, 0, n};
    if (place_.world.faults.happens(crash)) {
      place_.files.die_after(place_.world.faults.measure(crash, 0, 0, kOperationsMax));
      static_cast<void>(work());
      place_.die(crash);
      return;
    }
    results_.push_back(work());
    options_.wake();
  }

  SideWorkPlace place_;
  const Options options_;
  std::size_t outstanding_ = 0;
  std::vector<master::SideResult> results_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);  // Work of a dead master does not happen.
};

}  // namespace

std::unique_ptr<master::SideWork> make_side_work(const SideWorkPlace& place,
                                                 master::SideWork::Options options) {
  return std::make_unique<LaterWork>(place, std::move(options));
}

}  // namespace fanfold::sim
