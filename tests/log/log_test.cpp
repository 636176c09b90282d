// One event is one line, whatever its values hold.

#include "common/log/log.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

namespace fanfold {
namespace {

class LogFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "fanfold-log-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string file() const { return directory_ + "/log"; }

  /// What stands behind the time stamp of each line.
  std::vector<std::string> lines() const {
    std::vector<std::string> found;
    std::ifstream stream(file());
    for (std::string line; std::getline(stream, line);) {
      const std::size_t space = line.find(' ');
      found.push_back(space == std::string::npos ? line : line.substr(space + 1));
    }
    return found;
  }

 private:
  std::string directory_;
};

TEST_F(LogFile, WritesAnEventAndItsFieldsOnOneLine) {
  Result<Log> log = Log::open(file(), LogLevel::kInfo);
  ASSERT_TRUE(log.ok()) << log.status().message();
  log->warn("worker.lost", {{"worker", 7}, {"silent_ms", std::int64_t{-1}}, {"host", "alpha"}});
  log->error("store.failed", {{"fact", std::numeric_limits<std::uint64_t>::max()}});
  EXPECT_EQ(lines(),
            (std::vector<std::string>{"warning worker.lost worker=7 silent_ms=-1 host=alpha",
                                      "error store.failed fact=18446744073709551615"}));
}

TEST_F(LogFile, QuotesWhatWouldNotReadAsOneWord) {
  Result<Log> log = Log::open(file(), LogLevel::kInfo);
  ASSERT_TRUE(log.ok()) << log.status().message();
  log->info("frame.rejected", {{"empty", ""}, {"reason", "a \"b\"\nc\\d\x1b"}, {"pair", "k=v"}});
  EXPECT_EQ(lines(), (std::vector<std::string>{
                         R"(info frame.rejected empty="" reason="a \"b\"\nc\\d?" pair="k=v")"}));
}

TEST_F(LogFile, CutsLongValues) {
  Result<Log> log = Log::open(file(), LogLevel::kInfo);
  ASSERT_TRUE(log.ok()) << log.status().message();
  log->info("frame.rejected", {{"reason", std::string(5000, 'x')}});
  EXPECT_EQ(lines(), (std::vector<std::string>{"info frame.rejected reason=\"" +
                                               std::string(1024, 'x') + "...\""}));
}

TEST_F(LogFile, LeavesOutLevelsThatAreOff) {
  Result<Log> log = Log::open(file(), LogLevel::kWarn);
  ASSERT_TRUE(log.ok()) << log.status().message();
  log->debug("turn.ended", {});
  log->info("worker.joined", {});
  log->warn("worker.lost", {});
  EXPECT_EQ(lines(), (std::vector<std::string>{"warning worker.lost"}));
}

TEST_F(LogFile, AppendsToWhatIsThere) {
  for (int i = 0; i < 2; ++i) {
    Result<Log> log = Log::open(file(), LogLevel::kInfo);
    ASSERT_TRUE(log.ok()) << log.status().message();
    log->info("master.started", {{"run", i}});
  }
  EXPECT_EQ(lines(),
            (std::vector<std::string>{"info master.started run=0", "info master.started run=1"}));
}

TEST_F(LogFile, SaysWhichFileCannotBeOpened) {
  std::ofstream(file()) << "";
  const Result<Log> below = Log::open(file() + "/below", LogLevel::kInfo);
  ASSERT_FALSE(below.ok());
  EXPECT_NE(below.status().message().find(file() + "/below"), std::string::npos)
      << below.status().message();
}

TEST(LogLevel, IsKnownByName) {
  EXPECT_EQ(*parse_log_level("debug"), LogLevel::kDebug);
  EXPECT_EQ(*parse_log_level("off"), LogLevel::kOff);
  const Result<LogLevel> unknown = parse_log_level("verbose");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.status().message(),
            "log level 'verbose' is unknown: use one of debug, info, warn, error, off");
}

}  // namespace
}  // namespace fanfold
