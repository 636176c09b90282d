#include "common/s3/object_file.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace fanfold::s3 {
namespace {

/// A server or a proxy that confuses ranges may do so once.
constexpr int kAnswersThatFitNot = 3;

struct ContentRange {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;  // Of the whole object.
};

/// Of "bytes 0-9/1234".
std::optional<ContentRange> parse_content_range(const std::string& text) {
  constexpr std::string_view kUnit = "bytes ";
  const std::size_t slash = text.rfind('/');
  if (!text.starts_with(kUnit) || slash == std::string::npos) return std::nullopt;
  ContentRange range;
  const char* const end = text.data() + text.size();
  const auto begin = std::from_chars(text.data() + kUnit.size(), end, range.begin);
  const auto size = std::from_chars(text.data() + slash + 1, end, range.size);
  const bool good = begin.ec == std::errc() && *begin.ptr == '-' && size.ec == std::errc();
  if (!good || size.ptr != end) return std::nullopt;
  return range;
}

/// Listings of some servers leave the quotes out.
std::string_view bare(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) {
    etag = etag.substr(1, etag.size() - 2);
  }
  return etag;
}

Status changed(const std::string& path) {
  return {StatusCode::kCorruption, path +
                                       " changed since the job was planned: do not change input "
                                       "while a job reads it"};
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
  if (answer.status == 412) return changed(object_.path);
  Call call;
  call.object = object_.location;
  return client_->refusal(call, answer);
}

bool ObjectFile::fits(std::uint64_t begin, std::size_t wanted, const Answer& answer) const {
  // Nothing of the range is in the object.
  if (answer.status == 416) return !object_.size || begin >= *object_.size;
  std::optional<std::uint64_t> size = object_.size;
  if (answer.status == 206) {
    const auto range = parse_content_range(answer.header("content-range"));
    if (!range || range->begin != begin || range->size <= begin) return false;
    size = range->size;
  } else if (begin != 0) {
    return false;
  }
  return !size || answer.taken == std::min<std::uint64_t>(wanted, *size - begin);
}

Result<std::size_t> ObjectFile::taken(std::uint64_t begin, std::span<char> into,
                                      Result<Answer> answer) {
  for (int misfits = 0;;) {
    if (!answer.ok()) return answer.status();
    if (!answer->ok() && answer->status != 416) return refusal(*answer);
    const std::string etag = answer->ok() ? answer->header("etag") : "";
    if (!object_.version.empty() && !etag.empty() && bare(etag) != bare(object_.version)) {
      return changed(object_.path);
    }
    if (fits(begin, into.size(), *answer)) {
      if (!answer->ok()) return std::size_t{0};
      if (object_.version.empty()) object_.version = etag;
      const auto range = parse_content_range(answer->header("content-range"));
      if (range) object_.size = range->size;
      return answer->taken;
    }
    if (++misfits == kAnswersThatFitNot) {
      return Status(StatusCode::kIoError,
                    "the S3 server does not mind the range asked for in " + object_.path + ": " +
                        std::to_string(into.size()) + " bytes from " + std::to_string(begin) +
                        " were to come, and " + std::to_string(answer->taken) + " came (" +
                        std::to_string(answer->status) + ", Content-Range '" +
                        answer->header("content-range") + "')");
    }
    answer = client_->perform(call_for(begin, into));
  }
}

Result<std::size_t> ObjectFile::read_directly(std::uint64_t offset, std::span<char> buffer) {
  if (object_.size) {
    if (offset >= *object_.size) return std::size_t{0};
    buffer = buffer.first(std::min<std::uint64_t>(buffer.size(), *object_.size - offset));
  }
  if (buffer.empty()) return std::size_t{0};
  return taken(offset, buffer, client_->perform(call_for(offset, buffer)));
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
    const std::span<char> into(range.bytes.get(), range.end - range.begin);
    const Result<std::size_t> held = taken(range.begin, into, client_->finish(first, others));
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
