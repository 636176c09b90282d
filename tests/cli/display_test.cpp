// The display on a real (pseudo) terminal and on a pipe.

#include "cli/view/display.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace fanfold::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

proto::JobStatus status_with(std::uint32_t done) {
  proto::JobStatus status;
  proto::StageStatus map;
  map.tasks = 10;
  map.done = done;
  proto::StageStatus reduce;
  reduce.stage = Stage::kReduce;
  reduce.tasks = 2;
  status.stages = {map, reduce};
  return status;
}

class Terminal : public testing::Test {
 protected:
  void SetUp() override {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(master_, 0);
    ASSERT_EQ(::grantpt(master_), 0);
    ASSERT_EQ(::unlockpt(master_), 0);
    slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(slave_, 0);
    termios raw{};
    ASSERT_EQ(::tcgetattr(slave_, &raw), 0);
    ::cfmakeraw(&raw);
    ASSERT_EQ(::tcsetattr(slave_, TCSANOW, &raw), 0);
  }
  void TearDown() override {
    ::close(slave_);
    ::close(master_);
  }
  void set_columns(unsigned short columns) const {
    winsize size{};
    size.ws_col = columns;
    size.ws_row = 24;
    ASSERT_EQ(::ioctl(slave_, TIOCSWINSZ, &size), 0);
  }
  // All that was written so far; the end mark is ours.
  std::string shown() {
    EXPECT_EQ(::write(slave_, "\x04", 1), 1);
    std::string text;
    char byte = 0;
    while (::read(master_, &byte, 1) == 1 && byte != '\x04') text += byte;
    return text;
  }

  int master_ = -1;
  int slave_ = -1;
};

TEST_F(Terminal, GetsBarsUnlessItCannotDraw) {
  EXPECT_EQ(choose_display(slave_, false, "xterm"), DisplayKind::kBars);
  EXPECT_EQ(choose_display(slave_, false, "dumb"), DisplayKind::kLines);
  EXPECT_EQ(choose_display(slave_, true, "xterm"), DisplayKind::kQuiet);
}

TEST_F(Terminal, IsRedrawnInPlace) {
  set_columns(60);
  Display display(slave_, DisplayKind::kBars, false);
  display.show(Instant{}, status_with(1));
  const std::string first = shown();
  EXPECT_THAT(first, HasSubstr("1/10 tasks"));
  EXPECT_THAT(first, Not(HasSubstr("A")));
  display.show(Instant{}, status_with(2));
  const std::string second = shown();
  EXPECT_THAT(second, testing::StartsWith("\x1b[2A"));
  EXPECT_THAT(second, HasSubstr("2/10 tasks"));
  display.finish();
  display.show(Instant{}, status_with(3));
  EXPECT_THAT(shown(), Not(HasSubstr("\x1b[2A")));
}

TEST_F(Terminal, LinesFollowItsWidth) {
  for (const unsigned short columns : {30, 60, 120}) {
    set_columns(columns);
    Display display(slave_, DisplayKind::kBars, false);
    display.show(Instant{}, status_with(5));
    const std::string text = shown();
    const std::size_t end = text.find("\x1b[K");
    ASSERT_NE(end, std::string::npos);
    // Between the carriage return and the escape that clears the rest.
    EXPECT_LT(end - 1, columns);
  }
}

TEST_F(Terminal, IsColouredOnlyOnRequest) {
  Display plain(slave_, DisplayKind::kBars, false);
  plain.show(Instant{}, status_with(5));
  EXPECT_THAT(shown(), Not(HasSubstr("\x1b[33m")));
  Display coloured(slave_, DisplayKind::kBars, true);
  coloured.show(Instant{}, status_with(5));
  EXPECT_THAT(shown(), HasSubstr("\x1b[33m"));
}

TEST(DisplayOnAPipe, GetsALineForEachFinishedStage) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  EXPECT_EQ(choose_display(ends[1], false, "xterm"), DisplayKind::kLines);
  Display display(ends[1], DisplayKind::kLines, true);
  const auto written = [&] {
    std::string text(1000, '\0');
    const ssize_t count = ::read(ends[0], text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  };
  display.show(Instant{}, status_with(5));
  EXPECT_THAT(written(), IsEmpty());
  display.show(Instant{}, status_with(10));
  EXPECT_EQ(written(), "map: 10 tasks, 0 records in, 0 out, 0.00 s\n");
  display.show(Instant{}, status_with(10));
  EXPECT_THAT(written(), IsEmpty());
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace fanfold::cli
