#include "cli/view/display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace fanfold::cli {
namespace {

constexpr std::size_t kColumnsUnknown = 80;

std::size_t columns_of(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsUnknown;
  return size.ws_col;
}

}  // namespace

Display::Display(int descriptor, DisplayKind kind, bool colour)
    : descriptor_(descriptor), kind_(kind), colour_(colour) {}

void Display::show(Instant now, const proto::JobStatus& status) {
  if (kind_ == DisplayKind::kQuiet) return;
  progress_.update(now, status);
  if (kind_ == DisplayKind::kBars) {
    draw();
    return;
  }
  std::string text;
  for (const std::string& line : progress_.finished_stages()) text += line + "\n";
  write(text);
}

void Display::draw() {
  ProgressStyle style;
  // The last column stays free: some terminals wrap as soon as it is written.
  style.columns = columns_of(descriptor_) - 1;
  style.colour = colour_;
  std::string text;
  if (lines_drawn_ > 0) text = "\x1b[" + std::to_string(lines_drawn_) + "A";
  const std::vector<std::string> lines = progress_.bars(style);
  for (const std::string& line : lines) text += "\r" + line + "\x1b[K\n";
  // Fewer lines than before: wipe the rest of the old picture.
  if (lines.size() < lines_drawn_) text += "\x1b[J";
  lines_drawn_ = lines.size();
  write(text);
}

void Display::finish() { lines_drawn_ = 0; }

void Display::write(const std::string& text) const {
  const char* next = text.data();
  std::size_t left = text.size();
  while (left > 0) {
    const ssize_t count = ::write(descriptor_, next, left);
    if (count < 0 && errno == EINTR) continue;
    // Whoever was looking has gone; the job goes on.
    if (count <= 0) return;
    next += count;
    left -= static_cast<std::size_t>(count);
  }
}

DisplayKind choose_display(int descriptor, bool quiet, const std::string& terminal_name) {
  if (quiet) return DisplayKind::kQuiet;
  const bool drawable = ::isatty(descriptor) == 1 && terminal_name != "dumb";
  return drawable ? DisplayKind::kBars : DisplayKind::kLines;
}

}  // namespace fanfold::cli
