// Whatever is injected, the last ten lines that a user sees name it: its class, and where it
// happened.  (A full disk needs one of its own: full_disk_test.cpp holds the same of it.)

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;

class LastLines : public testing::Test {
 protected:
  /// Of a run on a terminal that shows no more.
  static std::string last_ten(const Outcome& outcome) {
    const std::string& text = outcome.err;
    std::size_t begin = text.size();
    for (int lines = 0; begin > 0; --begin) {
      if (text[begin - 1] == '\n' && begin != text.size() && ++lines == 10) break;
    }
    return text.substr(begin);
  }
  void expect_named(const Outcome& outcome, const std::vector<std::string>& fragments) {
    EXPECT_NE(outcome.exit_code, 0);
    const std::string shown = last_ten(outcome);
    for (const std::string& fragment : fragments) EXPECT_THAT(shown, HasSubstr(fragment));
    EXPECT_FALSE(workspace_.exists("out"));
  }
  void expect_named(const std::string& input, std::vector<std::string> flags,
                    const std::vector<std::string>& fragments) {
    workspace_.write("in.txt", "fine\n" + input + "\n");
    std::vector<std::string> words = {
        "run", faulty_plugin("faulty"), "in.txt", "-o", "out", "--attempts", "2"};
    words.insert(words.end(), flags.begin(), flags.end());
    expect_named(run(workspace_, words), fragments);
  }

  Workspace workspace_;
};

const std::string kPlace = "in.txt, byte 5";

TEST_F(LastLines, NameAnException) {
  expect_named("throw", {}, {"exception", "this record is bad", "map-0", kPlace});
}

TEST_F(LastLines, NameASegmentationFault) {
  expect_named("segv", {}, {"class     signal", "SIGSEGV", "map-0", kPlace});
}

TEST_F(LastLines, NameAnAbort) {
  expect_named("abort", {}, {"class     signal", "SIGABRT", "map-0", kPlace});
}

TEST_F(LastLines, NameALimitOfMemory) {
  expect_named("leak", {"--memory", "128M"},
               {"out of memory", "its budget is 128 MiB", "--memory", "map-0", kPlace});
}

TEST_F(LastLines, NameTheKernelThatWasShortOfMemory) {
  // The plugin does what the kernel does to who has most.
  expect_named("killed while large", {"--memory", "64M"},
               {"out of memory", "killed by the system while it used", "map-0", kPlace});
}

TEST_F(LastLines, NameATimeLimit) {
  expect_named("hang", {"--task-timeout", "300ms"},
               {"class     timeout", "ran longer than the task time-out", "map-0", kPlace});
}

TEST_F(LastLines, NameAStall) {
  expect_named("hang", {"--stall-timeout", "1s"},
               {"class     stalled", "no progress for 1 s", "map-0", kPlace});
}

TEST_F(LastLines, NameADamagedBlock) {
  workspace_.write("in.txt", make_text(1, 20'000));
  CommandOptions gzip;
  gzip.program = "/bin/gzip";
  ASSERT_EQ(run(workspace_, {"in.txt"}, gzip).exit_code, 0);
  std::string bytes = workspace_.read("in.txt.gz");
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 64; ++i) bytes[i] ^= 0x55;
  workspace_.write("in.txt.gz", bytes);
  expect_named(run(workspace_, {"run", "word_count", "in.txt.gz", "-o", "out"}),
               {"in.txt.gz", "damaged"});
}

TEST_F(LastLines, NameAPluginOfAnotherBuild) {
  std::ifstream file(faulty_plugin("faulty"), std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  const std::string mark = "fanfold api=";
  const std::size_t at = bytes.find(mark);
  ASSERT_NE(at, std::string::npos);
  bytes[at + mark.size()] = '9';
  workspace_.write("other.so", bytes);
  workspace_.write("in.txt", "fine\n");
  expect_named(run(workspace_, {"run", "./other.so", "in.txt", "-o", "out"}),
               {"other.so", "was built for another Fanfold", "api=9"});
}

TEST_F(LastLines, NameAMissingInput) {
  expect_named(run(workspace_, {"run", "word_count", "nowhere.txt", "-o", "out"}),
               {"input not found", "nowhere.txt"});
}

TEST_F(LastLines, NameTheOperatorWhoStoppedIt) {
  const Cluster cluster(workspace_, 1, 1);
  workspace_.write("in.txt", "wait for " + workspace_.path("gate") + "\n");
  Running waiting(workspace_, {"run", faulty_plugin("faulty"), "in.txt", "-o", "out"},
                  cluster.options());
  ASSERT_TRUE(eventually([&] { return cluster.run({"cancel", "1"}).exit_code == 0; }));
  const Outcome outcome = waiting.wait();
  EXPECT_EQ(outcome.exit_code, 4) << outcome.both();
  expect_named(outcome, {"cancelled"});
}

}  // namespace
}  // namespace fanfold::e2e
