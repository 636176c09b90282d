#include "master/service/side_work.hpp"

#include <optional>
#include <utility>

#include "common/core/check.hpp"

namespace fanfold::master {

SideWork::SideWork(Options options) : options_(std::move(options)), results_(options_.queued_max) {}

SideWork::~SideWork() = default;

bool SideWork::start(std::function<SideResult()> work) {
  if (outstanding_ == options_.queued_max) return false;
  ++outstanding_;
  {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(work));
  }
  changed_.notify_one();
  // One more thread while there is more work than threads: idle masters have none.
  if (threads_.size() < options_.threads_max && threads_.size() < outstanding_) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
  return true;
}

std::vector<SideResult> SideWork::finished() {
  if (outstanding_ == 0) return {};
  std::vector<SideResult> results = results_.drain();
  outstanding_ -= results.size();
  return results;
}

void SideWork::run(const std::stop_token& stop) {
  while (true) {
    std::function<SideResult()> work;
    {
      MutexLock lock(mutex_);
      if (!changed_.wait(mutex_, stop,
                         [this]() FANFOLD_REQUIRES(mutex_) { return !queue_.empty(); })) {
        return;
      }
      // A stop wins over queued work: the destructor's promise.
      if (stop.stop_requested()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    SideResult result = work();
    // The mailbox holds as many results as work may be outstanding.
    const bool put = results_.put(std::move(result));
    FANFOLD_CHECK(put);
    options_.wake();
  }
}

}  // namespace fanfold::master
