// Notes how much memory a process has: often at first, then ever less often, so that a short
// attempt has a curve and a long one a small one.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "common/core/time.hpp"
#include "common/proto/memory_curve.hpp"

namespace fanfold::worker {

class MemoryWatch {
 public:
  explicit MemoryWatch(Instant begin);

  Instant next_look() const { return next_look_; }
  /// Looks at the process, if it is time to.  0: which one it is is not known yet.
  void look(Instant now, pid_t process);
  /// As look(), of what it had.
  void note(Instant now, std::uint64_t resident_bytes);
  /// With the peak of what was noted, or `peak_bytes` if that is more.
  proto::MemoryCurve curve(std::uint64_t peak_bytes, std::uint64_t budget_bytes) const;

 private:
  Duration step_;
  Instant next_look_;
  std::vector<std::uint64_t> points_;
};

}  // namespace fanfold::worker
