// Rare paths that only the code itself knows: a turn that ends early, a list of many pages, an
// error after the step that made something visible.  strikes() is false unless the thread has a
// FaultPoints, which nothing but the simulator gives it; it then says true as the seed wants.
// Production pays the load of a pointer, and asks on no path that runs per record.

#pragma once

#include <cstddef>
#include <cstdint>

namespace fanfold {

enum class FaultPoint : std::uint8_t {
  kShortTurn = 0,            // The master's turn ends although more frames wait.
  kTinyListPages = 1,        // A list of outputs takes many pages.
  kTinyChunk = 2,            // A fetch asks for a few bytes at a time.
  kFetchRefused = 3,         // The fetcher has too much to do.
  kSyncAfterPublishing = 4,  // The disk fails when the output is in its place already.
};
inline constexpr std::size_t kFaultPoints = 5;

class FaultPoints {
 public:
  virtual ~FaultPoints() = default;
  virtual bool strikes(FaultPoint point) = 0;
};

namespace detail {
inline constinit thread_local FaultPoints* fault_points = nullptr;
}  // namespace detail

inline bool strikes(FaultPoint point) {
  return detail::fault_points != nullptr && detail::fault_points->strikes(point);
}

/// From construction to destruction, for the thread that does both.
class WithFaultPoints {
 public:
  explicit WithFaultPoints(FaultPoints& points) { detail::fault_points = &points; }
  ~WithFaultPoints() { detail::fault_points = nullptr; }
  WithFaultPoints(const WithFaultPoints&) = delete;
  WithFaultPoints& operator=(const WithFaultPoints&) = delete;
};

}  // namespace fanfold
