#include "worker/isolation/attempt_log.hpp"

#include <algorithm>

#include "common/core/limits.hpp"

namespace fanfold::worker {
namespace {

constexpr std::size_t kHalf = limits::kLogBytesPerAttempt / 2;
constexpr std::size_t kTailBytes = 4u << 10;
constexpr int kTailLines = 20;

}  // namespace

void AttemptLog::add(std::string_view bytes) {
  const std::size_t to_head = std::min(bytes.size(), kHalf - head_.size());
  head_.append(bytes.substr(0, to_head));
  bytes.remove_prefix(to_head);
  const std::size_t to_ring = std::min(bytes.size(), kHalf - ring_.size());
  ring_.append(bytes.substr(0, to_ring));
  bytes.remove_prefix(to_ring);
  left_out_ += bytes.size();
  if (bytes.size() > kHalf) bytes.remove_prefix(bytes.size() - kHalf);
  while (!bytes.empty()) {
    const std::size_t count = std::min(bytes.size(), kHalf - ring_next_);
    bytes.copy(ring_.data() + ring_next_, count);
    ring_next_ = (ring_next_ + count) % kHalf;
    bytes.remove_prefix(count);
  }
}

std::string AttemptLog::text() const {
  std::string text = head_;
  if (left_out_ > 0) text += "\n[... " + std::to_string(left_out_) + " bytes left out ...]\n";
  text.append(ring_, ring_next_);
  text.append(ring_, 0, ring_next_);
  return text;
}

AttemptLog::Part AttemptLog::part(std::uint64_t offset, std::size_t bytes_max) const {
  Part part;
  offset = std::min(offset, bytes());
  if (offset < head_.size()) {
    part.text = head_.substr(offset, bytes_max);
    return part;
  }
  const std::uint64_t ring_begins = head_.size() + left_out_;
  if (offset < ring_begins) {
    part.left_out = ring_begins - offset;
    offset = ring_begins;
  }
  std::string latest = ring_.substr(ring_next_) + ring_.substr(0, ring_next_);
  part.text = latest.substr(offset - ring_begins, bytes_max);
  return part;
}

std::string AttemptLog::tail() const {
  const std::string all = text();
  std::size_t begin = all.size() > kTailBytes ? all.size() - kTailBytes : 0;
  std::size_t at = all.size();
  if (at > 0 && all[at - 1] == '\n') --at;
  for (int lines = 0; lines < kTailLines && at > begin; ++lines) {
    const std::size_t newline = at == 0 ? all.npos : all.rfind('\n', at - 1);
    if (newline == all.npos || newline < begin) return all.substr(begin);
    at = newline;
  }
  begin = at < all.size() && all[at] == '\n' ? at + 1 : begin;
  return all.substr(begin);
}

}  // namespace fanfold::worker
