// A disk that fills up: the output's, the workers' and the one that standard input is copied to.
// Small file systems in memory stand for them.  Runs in a mount namespace of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// More words than a disk of so many bytes holds, and fewer than 64 MiB.
constexpr const char* kSmallDisk = "size=1m";
constexpr const char* kLargeDisk = "size=64m";

class FullDisk : public testing::Test {
 protected:
  void SetUp() override {
    disk_ = workspace_.path("disk");
    std::filesystem::create_directory(disk_);
    ASSERT_EQ(::mount("none", disk_.c_str(), "tmpfs", 0, kSmallDisk), 0) << std::strerror(errno);
    std::string text;
    for (int i = 0; i < 300'000; ++i) text += "word" + std::to_string(i) + "\n";
    workspace_.write("in.txt", text);
  }

  void TearDown() override {
    EXPECT_EQ(::umount2(disk_.c_str(), MNT_DETACH), 0) << std::strerror(errno);
  }

  void enlarge_the_disk() const {
    ASSERT_EQ(::mount("none", disk_.c_str(), "tmpfs", MS_REMOUNT, kLargeDisk), 0);
  }

  void expect_clear_failure(const Outcome& outcome, const std::vector<std::string>& fragments) {
    EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
    EXPECT_LE(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 2) << outcome.err;
    for (const std::string& fragment : fragments) EXPECT_THAT(outcome.err, HasSubstr(fragment));
    EXPECT_THAT(workspace_.list("disk"), IsEmpty());
    EXPECT_THAT(workspace_.remains(), IsEmpty());
  }

  Workspace workspace_;
  std::string disk_;
};

TEST_F(FullDisk, OfTheOutputFailsTheJobAndKeepsNothing) {
  const Outcome outcome =
      run(workspace_, {"run", "word_count", "in.txt", "-o", "disk/out", "--quiet"});
  expect_clear_failure(outcome, {"reduce", "/part-00000-of-", "No space left", "free some space"});
}

TEST_F(FullDisk, OfTheWorkersIsWaitedForUntilThereIsSpace) {
  CommandOptions options;
  options.environment = {{"TMPDIR", disk_}};
  Running command(workspace_, {"run", "word_count", "in.txt", "-o", "out", "--workers", "1"},
                  options);
  ASSERT_TRUE(
      eventually([&] { return std::filesystem::space(disk_).available == 0 || command.ended(); }));
  ASSERT_FALSE(command.ended()) << command.err_so_far();
  enlarge_the_disk();
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
  EXPECT_THAT(workspace_.list("disk"), IsEmpty());
}

TEST_F(FullDisk, ForStandardInputIsNamed) {
  CommandOptions options;
  options.environment = {{"TMPDIR", disk_}};
  options.standard_input = workspace_.path("in.txt");
  const Outcome outcome = run(workspace_, {"run", "word_count", "-", "-o", "out"}, options);
  expect_clear_failure(outcome, {disk_, "No space left", "TMPDIR"});
  EXPECT_FALSE(workspace_.exists("out"));
}

}  // namespace
}  // namespace fanfold::e2e
