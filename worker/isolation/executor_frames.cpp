#include "worker/isolation/executor_frames.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/proto/messages.hpp"
#include "worker/plugin/fields.hpp"

namespace fanfold::worker {
namespace {

Status damaged(const char* what) {
  return {StatusCode::kCorruption, std::string("damaged ") + what + " between worker and executor"};
}

/// There may be a million, whose paths differ in little; `before` is the path of the one before.
void write_segment(const LocalSegment& segment, std::string_view before, FieldWriter* out) {
  out->number(segment.output.split);
  out->number(segment.output.attempt.value);
  out->number(segment.output.holder);
  const std::string_view path = segment.path;
  const auto differ = std::mismatch(path.begin(), path.end(), before.begin(), before.end());
  const auto shared = static_cast<std::size_t>(differ.first - path.begin());
  out->number(shared);
  out->text(path.substr(shared));
  out->number(segment.fetched ? 1 : 0);
  if (!segment.fetched) return;
  const io::Segment& index = segment.segment;
  for (const std::uint64_t value :
       {std::uint64_t{index.partition}, index.offset, index.stored_bytes, index.raw_bytes,
        std::uint64_t{index.largest_block}, index.summary.records, index.summary.sum,
        index.summary.exclusive_or}) {
    out->number(value);
  }
}

LocalSegment read_segment(std::string_view before, FieldReader* in) {
  LocalSegment segment;
  segment.output.split = static_cast<std::uint32_t>(in->number());
  segment.output.attempt.value = in->number();
  segment.output.holder = static_cast<std::uint32_t>(in->number());
  segment.path = before.substr(0, in->number());
  segment.path += in->text();
  segment.fetched = in->number() != 0;
  if (!segment.fetched) return segment;
  io::Segment& index = segment.segment;
  index.partition = static_cast<std::uint32_t>(in->number());
  index.offset = in->number();
  index.stored_bytes = in->number();
  index.raw_bytes = in->number();
  index.largest_block = static_cast<std::uint32_t>(in->number());
  index.summary.records = in->number();
  index.summary.sum = in->number();
  index.summary.exclusive_or = in->number();
  return segment;
}

void write_bad_record(const BadRecord& bad, FieldWriter* out) {
  out->text(bad.file);
  out->number(bad.offset);
  out->number(static_cast<std::uint64_t>(bad.kind));
  out->text(bad.message);
  out->number(bad.stack.size());
  for (const std::string& line : bad.stack) out->text(line);
}

BadRecord read_bad_record(FieldReader* in) {
  BadRecord bad;
  bad.file = in->text();
  bad.offset = in->number();
  bad.kind = static_cast<proto::FailureKind>(in->number());
  bad.message = in->text();
  const std::uint64_t lines = in->count();
  for (std::uint64_t i = 0; i < lines && in->ok(); ++i) bad.stack.emplace_back(in->text());
  return bad;
}

enum class ListKind : std::uint8_t { kNone = 0, kSame = 1, kNew = 2 };

void write_list(const SegmentList& list, const SegmentList& before, FieldWriter* out) {
  const ListKind kind = list == nullptr  ? ListKind::kNone
                        : list == before ? ListKind::kSame
                                         : ListKind::kNew;
  out->number(static_cast<std::uint64_t>(kind));
  if (kind != ListKind::kNew) return;
  out->number(list->size());
  std::string_view path;
  for (const LocalSegment& segment : *list) {
    write_segment(segment, path, out);
    path = segment.path;
  }
}

/// False: a kind of list that there is not.
bool read_list(const SegmentList& before, FieldReader* in, SegmentList* list) {
  const std::uint64_t kind = in->number();
  if (kind == static_cast<std::uint64_t>(ListKind::kNone)) return true;
  if (kind == static_cast<std::uint64_t>(ListKind::kSame)) {
    *list = before;
    return before != nullptr;
  }
  if (kind != static_cast<std::uint64_t>(ListKind::kNew)) return false;
  const std::uint64_t count = in->count();
  std::vector<LocalSegment> segments;
  segments.reserve(in->ok() ? count : 0);
  for (std::uint64_t i = 0; i < count && in->ok(); ++i) {
    const std::string_view path = i > 0 ? segments.back().path : std::string_view();
    segments.push_back(read_segment(path, in));
  }
  *list = make_segment_list(std::move(segments));
  return true;
}

}  // namespace

std::string encode_task(const ExecutorTask& task, const SegmentList& before) {
  FieldWriter out;
  out.text(proto::encode(proto::Assign{task.assignment}));
  out.text(task.scratch);
  out.number(task.memory_bytes);
  out.number(task.threads);
  out.number(task.plugin_is_listed ? 1 : 0);
  out.text(task.host_inputs.host);
  out.number(task.host_inputs.directories.size());
  for (const std::string& directory : task.host_inputs.directories) out.text(directory);
  out.number(task.bad_records.size());
  for (const BadRecord& bad : task.bad_records) write_bad_record(bad, &out);
  write_list(task.segments, before, &out);
  return out.take();
}

Result<ExecutorTask> decode_task(std::string_view frame, const SegmentList& before) {
  FieldReader in(frame);
  ExecutorTask task;
  FANFOLD_ASSIGN_OR_RETURN(auto message, proto::decode<proto::MasterMessage>(in.text()));
  auto* assign = std::get_if<proto::Assign>(&message);
  if (assign == nullptr) return damaged("task");
  task.assignment = std::move(assign->assignment);
  task.scratch = in.text();
  task.memory_bytes = in.number();
  task.threads = static_cast<std::uint32_t>(in.number());
  task.plugin_is_listed = in.number() != 0;
  task.host_inputs.host = in.text();
  const std::uint64_t directories = in.count();
  for (std::uint64_t i = 0; i < directories && in.ok(); ++i) {
    task.host_inputs.directories.emplace_back(in.text());
  }
  const std::uint64_t bad_records = in.count();
  for (std::uint64_t i = 0; i < bad_records && in.ok(); ++i) {
    task.bad_records.push_back(read_bad_record(&in));
  }
  if (!read_list(before, &in, &task.segments)) return damaged("task");
  if (!in.ok() || !in.at_end()) return damaged("task");
  return task;
}

std::string encode_outcome(AttemptId attempt, const RunOutcome& outcome) {
  if (outcome.succeeded) {
    proto::CommitRequest message;
    message.attempt = attempt;
    message.report = outcome.report;
    return proto::encode(message);
  }
  proto::AttemptFailed message;
  message.attempt = attempt;
  message.failure = outcome.failure;
  return proto::encode(message);
}

Result<RunOutcome> decode_outcome(std::string_view frame, AttemptId attempt) {
  FANFOLD_ASSIGN_OR_RETURN(auto message, proto::decode<proto::WorkerMessage>(frame));
  RunOutcome outcome;
  if (auto* done = std::get_if<proto::CommitRequest>(&message); done && done->attempt == attempt) {
    outcome.succeeded = true;
    outcome.report = std::move(done->report);
    return outcome;
  }
  if (auto* failed = std::get_if<proto::AttemptFailed>(&message);
      failed && failed->attempt == attempt) {
    outcome.failure = std::move(failed->failure);
    return outcome;
  }
  return damaged("outcome");
}

std::string encode_wanted(const FileWanted& wanted) {
  return proto::encode(
      proto::GetBlob{.worker = {}, .sha256 = wanted.sha256, .damaged = wanted.damaged});
}

std::optional<FileWanted> decode_wanted(std::string_view frame) {
  // Nearly all frames are outcomes, some of them large.
  const std::string_view tag("\x30\0", 2);
  static_assert(proto::GetBlob::kTag == 0x30);
  if (!frame.starts_with(tag)) return std::nullopt;
  const auto message = proto::decode<proto::WorkerMessage>(frame);
  const auto* wanted = message.ok() ? std::get_if<proto::GetBlob>(&*message) : nullptr;
  if (wanted == nullptr) return std::nullopt;
  return FileWanted{
      .attempt = {}, .sha256 = wanted->sha256, .name = {}, .damaged = wanted->damaged};
}

std::string encode_brought(const Result<std::string>& path) {
  FieldWriter out;
  out.number(static_cast<std::uint64_t>(path.ok() ? StatusCode::kOk : path.status().code()));
  out.text(path.ok() ? *path : path.status().message());
  return out.take();
}

Result<std::string> decode_brought(std::string_view frame) {
  FieldReader in(frame);
  const auto code = static_cast<StatusCode>(in.number());
  std::string text(in.text());
  if (!in.ok() || !in.at_end()) return damaged("answer");
  if (code == StatusCode::kOk) return text;
  return Status(code, std::move(text));
}

Result<std::string> FrameCollector::next() {
  std::uint32_t size = 0;
  if (buffer_.size() < sizeof size) return Status(StatusCode::kNotFound, "no whole frame yet");
  std::memcpy(&size, buffer_.data(), sizeof size);
  if (size > frame_bytes_max_) return damaged("frame");
  if (buffer_.size() - sizeof size < size)
    return Status(StatusCode::kNotFound, "no whole frame yet");
  std::string frame = buffer_.substr(sizeof size, size);
  buffer_.erase(0, sizeof size + size);
  return frame;
}

Result<std::string> FrameReader::next() {
  for (;;) {
    Result<std::string> frame = collector_.next();
    if (frame.ok() || frame.status().code() != StatusCode::kNotFound) return frame;
    // A blocked read() would also wake up when the other end takes what we wrote; poll() does not.
    pollfd readable{socket_, POLLIN, 0};
    if (::poll(&readable, 1, -1) < 0) {
      if (errno == EINTR) continue;
      return Status(StatusCode::kNotFound, "the socket is gone");
    }
    char bytes[16u << 10];
    const ssize_t got = ::read(socket_, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Status(StatusCode::kNotFound, "the worker is gone");
    collector_.add({bytes, static_cast<std::size_t>(got)});
  }
}

Status write_frame(int socket, std::string_view frame) {
  std::uint32_t size = static_cast<std::uint32_t>(frame.size());
  iovec parts[] = {{&size, sizeof size}, {const_cast<char*>(frame.data()), frame.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  while (message.msg_iovlen > 0) {
    ssize_t put = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      return {StatusCode::kUnavailable,
              std::string("cannot write to the socket pair: ") + std::strerror(errno)};
    }
    while (put > 0 || (message.msg_iovlen > 0 && message.msg_iov->iov_len == 0)) {
      iovec& part = *message.msg_iov;
      const std::size_t used = std::min(part.iov_len, static_cast<std::size_t>(put));
      part.iov_base = static_cast<char*>(part.iov_base) + used;
      part.iov_len -= used;
      put -= static_cast<ssize_t>(used);
      if (part.iov_len > 0) break;
      ++message.msg_iov;
      --message.msg_iovlen;
    }
  }
  return {};
}

}  // namespace fanfold::worker
