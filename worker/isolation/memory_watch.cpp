#include "worker/isolation/memory_watch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>

#include "common/core/unique_fd.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstStep = 50ms;

/// 0: it is gone.
std::uint64_t resident_bytes_of(pid_t process) {
  const std::string path = "/proc/" + std::to_string(process) + "/statm";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  const ssize_t got = file.open() ? ::read(file.get(), text.data(), text.size()) : 0;
  std::string_view rest(text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  // Size, then what of it is resident, in pages.
  rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  std::uint64_t pages = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), pages);
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

MemoryWatch::MemoryWatch(Instant begin) : step_(kFirstStep), next_look_(begin + kFirstStep) {}

void MemoryWatch::look(Instant now, pid_t process) {
  if (now < next_look_) return;
  next_look_ = now + step_;
  const std::uint64_t bytes = process > 0 ? resident_bytes_of(process) : 0;
  if (bytes > 0) note(now, bytes);
}

void MemoryWatch::note(Instant now, std::uint64_t resident_bytes) {
  points_.push_back(resident_bytes);
  if (points_.size() == proto::MemoryCurve::kPointsMax) {
    // Of two neighbours the larger one is what matters.
    for (std::size_t i = 0; i < points_.size() / 2; ++i) {
      points_[i] = std::max(points_[2 * i], points_[2 * i + 1]);
    }
    points_.resize(points_.size() / 2);
    step_ *= 2;
  }
  next_look_ = now + step_;
}

proto::MemoryCurve MemoryWatch::curve(std::uint64_t peak_bytes, std::uint64_t budget_bytes) const {
  proto::MemoryCurve curve;
  curve.resident_bytes = points_;
  curve.step_ms = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(step_).count());
  curve.peak_bytes = peak_bytes;
  for (const std::uint64_t bytes : points_) curve.peak_bytes = std::max(curve.peak_bytes, bytes);
  curve.budget_bytes = budget_bytes;
  return curve;
}

}  // namespace fanfold::worker
