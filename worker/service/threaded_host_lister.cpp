#include "worker/service/threaded_host_lister.hpp"

#include <chrono>
#include <utility>

#include "common/core/check.hpp"
#include "common/storage/storage.hpp"
#include "worker/service/list_host_files.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// More than a master asks for at a time; what it does not get it asks for again.
constexpr std::size_t kQuestionsMax = 16;
/// It asks each second for as long as somebody waits.
constexpr Duration kStale = 5s;

}  // namespace

Result<std::unique_ptr<ThreadedHostLister>> ThreadedHostLister::make(io::FileSystem& files,
                                                                     Clock& clock,
                                                                     inputs::HostInputs readable) {
  std::unique_ptr<ThreadedHostLister> made(
      new ThreadedHostLister(files, clock, std::move(readable)));
  if (made->answered_.usable()) return made;
  return Status(StatusCode::kUnavailable, "cannot make an event descriptor: none is left");
}

ThreadedHostLister::ThreadedHostLister(io::FileSystem& files, Clock& clock,
                                       inputs::HostInputs readable)
    : files_(files),
      clock_(clock),
      readable_(std::move(readable)),
      by_host_(storage_on_host(readable_)),
      answers_(kQuestionsMax) {}

void ThreadedHostLister::list(proto::ListHostFiles question) {
  {
    MutexLock lock(mutex_);
    const auto known = asked_.find(question.request);
    if (known != asked_.end()) {
      known->second = clock_.now();
      return;
    }
    if (asked_.size() == kQuestionsMax) return;
    asked_.emplace(question.request, clock_.now());
    questions_.push_back(std::move(question));
  }
  changed_.notify_one();
  if (thread_.joinable()) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::vector<proto::HostFilesListed> ThreadedHostLister::take() {
  // Before, not after: an answer that comes in between is seen or raises it again.
  answered_.lower();
  std::vector<proto::HostFilesListed> answers = answers_.drain();
  MutexLock lock(mutex_);
  for (const proto::HostFilesListed& answer : answers) asked_.erase(answer.request);
  return answers;
}

bool ThreadedHostLister::is_stale(std::uint64_t request) {
  MutexLock lock(mutex_);
  return clock_.now() - asked_.at(request) > kStale;
}

void ThreadedHostLister::run(const std::stop_token& stop) {
  while (true) {
    proto::ListHostFiles question;
    {
      MutexLock lock(mutex_);
      const bool there = changed_.wait(
          mutex_, stop, [this]() FANFOLD_REQUIRES(mutex_) { return !questions_.empty(); });
      if (!there || stop.stop_requested()) return;
      question = std::move(questions_.front());
      questions_.pop_front();
    }
    const auto stopped = [&] { return stop.stop_requested() || is_stale(question.request); };
    proto::HostFilesListed answer =
        list_host_files(files_, *by_host_, readable_, question, stopped);
    if (stopped()) {
      MutexLock lock(mutex_);
      asked_.erase(question.request);
      continue;
    }
    // The mailbox holds as many answers as there may be questions.
    const bool put = answers_.put(std::move(answer));
    FANFOLD_CHECK(put);
    answered_.raise();
  }
}

}  // namespace fanfold::worker
