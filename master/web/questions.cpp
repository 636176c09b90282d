#include "master/web/questions.hpp"

#include <variant>

#include "common/proto/codec.hpp"

namespace fanfold::master::web {
namespace {

/// Threads of pages are few, and a worker may be silent: the others show pages meanwhile.
constexpr std::size_t kWaitingMax = 1;
/// No socket is called so: the identities of peers have at most 255 bytes.
constexpr std::size_t kLongerThanIdentities = 256;

Result<proto::Output> read_answer(const std::string& frame) {
  FANFOLD_ASSIGN_OR_RETURN(proto::ClientReply reply, proto::decode<proto::ClientReply>(frame));
  if (auto* output = std::get_if<proto::Output>(&reply)) return std::move(*output);
  if (const auto* refusal = std::get_if<proto::Answer>(&reply)) {
    return Status(static_cast<StatusCode>(refusal->code), refusal->message);
  }
  return Status(StatusCode::kCorruption, "the master answered something else");
}

}  // namespace

Result<proto::Output> Questions::ask(const proto::GetOutput& message,
                                     std::chrono::milliseconds patience) {
  std::string peer;
  {
    const MutexLock lock(mutex_);
    if (waiting_.size() >= kWaitingMax) {
      return Status(StatusCode::kUnavailable, "another page asks; ask again");
    }
    peer = std::string(kLongerThanIdentities, ' ') + std::to_string(++asked_);
    waiting_.emplace(peer, std::nullopt);
    untaken_.push_back({peer, message});
  }
  wake_();
  std::optional<std::string> frame;
  {
    const MutexLock lock(mutex_);
    answered_.wait_for(mutex_, patience,
                       [&]() FANFOLD_REQUIRES(mutex_) { return waiting_.at(peer).has_value(); });
    frame = std::move(waiting_.at(peer));
    waiting_.erase(peer);
  }
  if (frame) return read_answer(*frame);
  return Status(StatusCode::kUnavailable, "no answer in time: the worker may be cut off");
}

std::vector<Questions::Question> Questions::take() {
  const MutexLock lock(mutex_);
  return std::exchange(untaken_, {});
}

bool Questions::answer(const std::string& peer, const std::string& frame) {
  {
    const MutexLock lock(mutex_);
    const auto waiting = waiting_.find(peer);
    if (waiting == waiting_.end()) return false;
    waiting->second = frame;
  }
  answered_.notify_all();
  return true;
}

}  // namespace fanfold::master::web
