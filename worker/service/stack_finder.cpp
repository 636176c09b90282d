#include "worker/service/stack_finder.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>

#include "common/core/check.hpp"
#include "worker/isolation/symbolise.hpp"

namespace fanfold::worker {
namespace {

/// Slots that crash at the same time; beyond it results go on without a stack.
constexpr std::size_t kThreadsMax = 16;

}  // namespace

Result<std::unique_ptr<StackFinder>> StackFinder::make() {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.open()) {
    return Status(StatusCode::kUnavailable,
                  std::string("cannot make an event descriptor: ") + std::strerror(errno));
  }
  return std::unique_ptr<StackFinder>(new StackFinder(std::move(wake)));
}

StackFinder::StackFinder(UniqueFd wake) : wake_(std::move(wake)), found_(kThreadsMax) {}

void StackFinder::add(AttemptResult result) {
  const bool nothing_to_find = result.outcome.succeeded || result.crash.counters.empty();
  if (nothing_to_find || threads_.size() == kThreadsMax) {
    at_once_.push_back(std::move(result));
    return;
  }
  threads_.emplace_back([this, result = std::move(result)]() mutable {
    result.outcome.failure.stack = symbolise(result.crash, result.plugin);
    deliver(std::move(result));
  });
}

void StackFinder::deliver(AttemptResult result) {
  // There is room for as many results as there are threads.
  FANFOLD_CHECK(found_.put(std::move(result)));
  ::eventfd_write(wake_.get(), 1);
}

std::vector<AttemptResult> StackFinder::take() {
  eventfd_t ignored = 0;
  ::eventfd_read(wake_.get(), &ignored);
  std::vector<AttemptResult> results = std::exchange(at_once_, {});
  std::vector<AttemptResult> found = found_.drain();
  for (AttemptResult& result : found) results.push_back(std::move(result));
  delivered_ += found.size();
  if (delivered_ == threads_.size()) {
    threads_.clear();
    delivered_ = 0;
  }
  return results;
}

}  // namespace fanfold::worker
