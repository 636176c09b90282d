#include "common/s3/object_file.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace fanfold::s3 {
namespace {

/// Of "bytes 0-9/1234".
std::optional<std::uint64_t> whole_size(const std::string& content_range) {
  const std::size_t slash = content_range.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  std::uint64_t size = 0;
  const char* const end = content_range.data() + content_range.size();
  const auto [rest, error] = std::from_chars(content_range.data() + slash + 1, end, size);
  if (error != std::errc() || rest != end) return std::nullopt;
  return size;
}

}  // namespace

Call ObjectFile::call_for(std::uint64_t begin, std::span<char> into) const {
  Call call;
  call.object = object_.location;
  call.headers.emplace_back(
      "range", "bytes=" + std::to_string(begin) + "-" + std::to_string(begin + into.size() - 1));
  if (!object_.version.empty()) call.headers.emplace_back("if-match", object_.version);
  call.into = into;
  return call;
}

Status ObjectFile::refusal(const Answer& answer) const {
  if (answer.status == 412) {
    return {StatusCode::kCorruption, object_.path +
                                         " changed since the job was planned: do not change input "
                                         "while a job reads it"};
  }
  Call call;
  call.object = object_.location;
  return client_->refusal(call, answer);
}

Result<std::size_t> ObjectFile::taken(std::uint64_t begin, const Result<Answer>& answer) {
  if (!answer.ok()) return answer.status();
  // Nothing of the range is in the object.
  if (answer->status == 416) return std::size_t{0};
  if (!answer->ok()) return refusal(*answer);
  if (answer->status != 206 && begin != 0) {
    return Status(StatusCode::kIoError,
                  "the S3 server does not mind the range asked for in " + object_.path);
  }
  if (object_.version.empty()) object_.version = answer->header("etag");
  if (const auto size = whole_size(answer->header("content-range"))) object_.size = size;
  return answer->taken;
}

Result<std::size_t> ObjectFile::read_directly(std::uint64_t offset, std::span<char> buffer) {
  if (object_.size) {
    if (offset >= *object_.size) return std::size_t{0};
    buffer = buffer.first(std::min<std::uint64_t>(buffer.size(), *object_.size - offset));
  }
  if (buffer.empty()) return std::size_t{0};
  return taken(offset, client_->perform(call_for(offset, buffer)));
}

void ObjectFile::will_read(std::uint64_t begin, std::uint64_t end) {
  if (object_.size) end = std::min(end, *object_.size);
  ahead_.clear();
  next_begin_ = begin;
  ahead_end_ = std::max(begin, end);
}

void ObjectFile::read_ahead() {
  while (ahead_.size() < kRangesAhead && next_begin_ < ahead_end_) {
    Range range;
    range.begin = next_begin_;
    range.end = std::min<std::uint64_t>(next_begin_ + kRangeBytes, ahead_end_);
    const std::size_t bytes = range.end - range.begin;
    if (!spare_.empty()) {
      range.bytes = std::move(spare_.back());
      spare_.pop_back();
    } else {
      // The only range of a small object is as small.
      const bool only = ahead_.empty() && range.end == ahead_end_;
      range.bytes = std::make_unique_for_overwrite<char[]>(only ? bytes : kRangeBytes);
    }
    range.pending = client_->start(call_for(range.begin, {range.bytes.get(), bytes}));
    next_begin_ = range.end;
    ahead_.push_back(std::move(range));
  }
}

Result<std::size_t> ObjectFile::read_expected(std::uint64_t offset, std::span<char> buffer) {
  std::vector<Client::Pending*> pending;
  for (Range& range : ahead_) {
    if (range.pending != nullptr) pending.push_back(range.pending.get());
  }
  Range& range = ahead_.front();
  if (range.pending != nullptr) {
    Client::Pending& first = *range.pending;
    const std::span<Client::Pending* const> others(pending.begin() + 1, pending.end());
    const Result<std::size_t> held = taken(range.begin, client_->finish(first, others));
    range.pending.reset();
    FANFOLD_RETURN_IF_ERROR(held.status());
    range.held = *held;
  } else {
    client_->move_on(pending);
  }
  const std::uint64_t at = offset - range.begin;
  if (at >= range.held) return std::size_t{0};
  const std::size_t count = std::min<std::uint64_t>(buffer.size(), range.held - at);
  std::memcpy(buffer.data(), range.bytes.get() + at, count);
  return count;
}

Result<std::size_t> ObjectFile::read_at(std::uint64_t offset, std::span<char> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::uint64_t at = offset + done;
    while (!ahead_.empty() && ahead_.front().end <= at) {
      if (ahead_.front().pending == nullptr && ahead_.size() > 1) {
        spare_.push_back(std::move(ahead_.front().bytes));
      }
      ahead_.pop_front();
    }
    read_ahead();
    const std::span<char> rest = buffer.subspan(done);
    const bool expected = !ahead_.empty() && ahead_.front().begin <= at;
    const Result<std::size_t> count = expected ? read_expected(at, rest) : read_directly(at, rest);
    FANFOLD_RETURN_IF_ERROR(count.status());
    if (*count == 0) break;
    done += *count;
    // What was read of the last range may end in the middle of it.
    if (!expected && done < buffer.size() && !object_.size) break;
  }
  return done;
}

Result<std::uint64_t> ObjectFile::size() {
  if (object_.size) return *object_.size;
  char first = 0;
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, read_directly(0, {&first, 1}));
  if (count == 0) object_.size = 0;
  if (object_.size) return *object_.size;
  return Status(StatusCode::kIoError,
                "the S3 server does not say how long " + object_.path + " is");
}

}  // namespace fanfold::s3
