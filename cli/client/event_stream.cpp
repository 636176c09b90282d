#include "cli/client/event_stream.hpp"

#include <poll.h>

namespace fanfold::cli {
namespace {

/// A capsule is small, but inputs on a slow disk may be looked at before it is there.
constexpr int kCapsuleWaits = 100;
constexpr int kCapsuleWaitMilliseconds = 50;

}  // namespace

Status check_same_master(Client& client, JobId job, const FollowHooks& hooks) {
  // The reply says which state the master is of; the client compares.
  return client.ask<proto::JobReply>(proto::GetJob{.job = job}, hooks).status();
}

Status read_events(Client& client, JobId job, const EventReader& reader) {
  if (reader.wait) FANFOLD_RETURN_IF_ERROR(check_same_master(client, job));
  proto::GetEvents question;
  question.job = job;
  for (;;) {
    FANFOLD_ASSIGN_OR_RETURN(const proto::Events part, client.ask<proto::Events>(question));
    // The answer to an earlier question that was repeated.
    if (part.job != job || part.offset != question.offset) continue;
    if (!part.bytes.empty()) FANFOLD_RETURN_IF_ERROR(reader.take(part.bytes));
    question.offset += part.bytes.size();
    if (part.ended) return {};
    if (!part.bytes.empty()) continue;
    if (!reader.wait || !reader.wait()) return {};
    FANFOLD_RETURN_IF_ERROR(check_same_master(client, job));
  }
}

Result<std::string> read_capsule(Client& client, const TaskId& task, std::uint32_t attempt_number) {
  proto::GetEvents question;
  question.job = task.job;
  question.task = task;
  question.attempt_number = attempt_number;
  std::string capsule;
  for (int waits = 0;;) {
    FANFOLD_ASSIGN_OR_RETURN(const proto::Events part, client.ask<proto::Events>(question));
    if (part.job != task.job || part.offset != question.offset) continue;
    capsule += part.bytes;
    question.offset += part.bytes.size();
    if (part.ended) return capsule;
    if (!part.bytes.empty()) continue;
    if (++waits > kCapsuleWaits) {
      return Status(StatusCode::kUnavailable,
                    "the master is still writing capsules of failed attempts; try again");
    }
    ::poll(nullptr, 0, kCapsuleWaitMilliseconds);
  }
}

}  // namespace fanfold::cli
