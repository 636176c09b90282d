// The production side of SideWork: threads.

#include "master/service/side_work.hpp"

#include <condition_variable>
#include <deque>
#include <stop_token>
#include <thread>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/mailbox.hpp"
#include "common/core/mutex.hpp"

namespace fanfold::master {
namespace {

class ThreadedSideWork final : public SideWork {
 public:
  explicit ThreadedSideWork(Options options)
      : options_(std::move(options)), results_(options_.queued_max) {}

  bool start(std::function<SideResult()> work) override {
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

  std::vector<SideResult> finished() override {
    if (outstanding_ == 0) return {};
    std::vector<SideResult> results = results_.drain();
    outstanding_ -= results.size();
    return results;
  }

  bool idle() const override { return outstanding_ == 0; }

 private:
  void run(const std::stop_token& stop) {
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

  const Options options_;
  std::size_t outstanding_ = 0;  // Owner thread only.
  Mailbox<SideResult> results_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::function<SideResult()>> queue_ FANFOLD_GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;  // Owner thread only; last, so that it is joined first.
};

}  // namespace

std::unique_ptr<SideWork> threaded_side_work(SideWork::Options options) {
  return std::make_unique<ThreadedSideWork>(std::move(options));
}

}  // namespace fanfold::master
