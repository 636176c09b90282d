// Shows a running job on standard error: bars that are redrawn in place on a terminal, a line for
// each finished stage elsewhere, nothing when quiet.

#pragma once

#include <cstddef>
#include <string>

#include "cli/view/progress.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

enum class DisplayKind : std::uint8_t { kQuiet = 0, kLines = 1, kBars = 2 };

class Display {
 public:
  /// Writes to `descriptor`; its width is asked for at every redraw.
  Display(int descriptor, DisplayKind kind, bool colour);

  void show(Instant now, const proto::JobStatus& status);
  /// Bars stay as they are; what is written next begins on a line of its own.
  void finish();

 private:
  void draw();
  void write(const std::string& text) const;

  const int descriptor_;
  const DisplayKind kind_;
  const bool colour_;
  Progress progress_;
  std::size_t lines_drawn_ = 0;
};

/// Bars when `descriptor` is a terminal that can draw them.
DisplayKind choose_display(int descriptor, bool quiet, const std::string& terminal_name);

}  // namespace fanfold::cli
