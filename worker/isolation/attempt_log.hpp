// What user code printed during one attempt, within a limit: the beginning and the end are kept,
// the middle is counted.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fanfold::worker {

class AttemptLog {
 public:
  void add(std::string_view bytes);
  /// All of it, or beginning, "[... N bytes left out ...]" and end.
  std::string text() const;
  /// Bytes that were written in all.
  std::uint64_t bytes() const { return head_.size() + ring_.size() + left_out_; }

  struct Part {
    std::uint64_t left_out = 0;  // From the offset on; the text follows them.
    std::string text;
  };
  /// At most `bytes_max` bytes of what was written from `offset` on, and is kept.
  Part part(std::uint64_t offset, std::size_t bytes_max) const;
  /// The last lines, for a failure report.
  std::string tail() const;

 private:
  std::string head_;
  std::string ring_;  // The latest bytes after head_, once full in a circle.
  std::size_t ring_next_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace fanfold::worker
