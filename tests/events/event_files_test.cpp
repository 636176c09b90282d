// Event logs in files: whole lines, within their limits, over restarts.

#include "master/events/event_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/io/temporary_directory.hpp"

namespace fanfold::master {
namespace {

constexpr EventFilesLimits kRoomy{.bytes_total = 1u << 20, .jobs = 10};

class EventFilesTest : public ::testing::Test {
 protected:
  std::unique_ptr<EventFiles> open(EventFilesLimits limits = kRoomy) {
    auto files = EventFiles::open(directory_.path("events"), limits);
    EXPECT_TRUE(files.ok()) << files.status().message();
    return *std::move(files);
  }
  static std::string all_of(EventFiles& files, JobId job) {
    const auto bytes = files.read(job, 0, 1u << 20);
    return bytes.ok() ? *bytes : bytes.status().message();
  }
  /// A job that ran and ended.
  static void run(EventFiles& files, JobId job, std::string_view lines) {
    ASSERT_TRUE(files.begin(job).ok());
    ASSERT_TRUE(files.append(job, lines).ok());
    files.end(job);
  }

  io::TemporaryDirectory directory_;
};

TEST_F(EventFilesTest, KeepsWhatIsAppended) {
  const auto files = open();
  ASSERT_TRUE(files->begin(JobId{1}).ok());
  ASSERT_TRUE(files->append(JobId{1}, "one\n").ok());
  ASSERT_TRUE(files->append(JobId{1}, "two\n").ok());
  EXPECT_EQ(all_of(*files, JobId{1}), "one\ntwo\n");
  EXPECT_EQ(*files->read(JobId{1}, 4, 2), "tw");
  EXPECT_EQ(*files->read(JobId{1}, 99, 2), "");
  EXPECT_EQ(files->read(JobId{2}, 0, 9).status().code(), StatusCode::kNotFound);
}

TEST_F(EventFilesTest, AreForTheirOwnerAlone) {
  const auto files = open();
  ASSERT_TRUE(files->begin(JobId{1}).ok());
  struct stat info {};
  ASSERT_EQ(::stat(files->path(JobId{1}).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(directory_.path("events").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
}

TEST_F(EventFilesTest, BeginAnewForAnIdThatIsGivenAgain) {
  const auto files = open();
  run(*files, JobId{1}, "of another\n");
  run(*files, JobId{1}, "mine\n");
  EXPECT_EQ(all_of(*files, JobId{1}), "mine\n");
  EXPECT_EQ(files->size(JobId{1}), 5u);
}

TEST_F(EventFilesTest, GoOnAfterALineThatACrashCutOff) {
  directory_.write("events/job-3.jsonl", "whole\n{\"cut\":");
  const auto files = open();
  ASSERT_TRUE(files->append(JobId{3}, "next\n").ok());
  ASSERT_TRUE(files->append(JobId{3}, "last\n").ok());
  EXPECT_EQ(all_of(*files, JobId{3}), "whole\n{\"cut\":\nnext\nlast\n");
}

TEST_F(EventFilesTest, GiveUpTheOldestJobsThatEndedWhenAllAreTooLarge) {
  const auto files = open({.bytes_total = 10, .jobs = 10});
  ASSERT_TRUE(files->begin(JobId{1}).ok());
  ASSERT_TRUE(files->append(JobId{1}, "running\n").ok());
  run(*files, JobId{2}, "a\n");
  EXPECT_EQ(all_of(*files, JobId{2}), "a\n");
  run(*files, JobId{3}, "b\n");
  EXPECT_EQ(all_of(*files, JobId{1}), "running\n");
  EXPECT_EQ(files->read(JobId{2}, 0, 9).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(all_of(*files, JobId{3}), "b\n");
}

TEST_F(EventFilesTest, KeepNoMoreJobsThanTheirNumberOfEarlierMastersToo) {
  run(*open(), JobId{1}, "a\n");
  run(*open(), JobId{2}, "b\n");
  const auto files = open({.bytes_total = 1u << 20, .jobs = 2});
  run(*files, JobId{3}, "c\n");
  EXPECT_FALSE(std::filesystem::exists(files->path(JobId{1})));
  EXPECT_TRUE(std::filesystem::exists(files->path(JobId{2})));
}

TEST_F(EventFilesTest, LeaveTheReserveOfTheDiskAlone) {
  const auto files = open({.bytes_total = 1u << 20, .jobs = 2, .disk_reserve = 1ull << 62});
  ASSERT_TRUE(files->begin(JobId{1}).ok());
  const Status status = files->append(JobId{1}, "line\n");
  EXPECT_EQ(status.code(), StatusCode::kNoSpace);
  EXPECT_NE(status.message().find("job-1.jsonl"), std::string::npos) << status.message();
  EXPECT_EQ(all_of(*files, JobId{1}), "");
}

TEST_F(EventFilesTest, SayWhyTheyCannotBeKept) {
  directory_.write("events", "a file");
  const auto files = open();
  const Status status = files->begin(JobId{1});
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("Not a directory"), std::string::npos) << status.message();
}

TEST_F(EventFilesTest, CapsulesComeAndGoWithTheLogOfTheirJob) {
  const auto files = open({.bytes_total = 1u << 20, .jobs = 1});
  ASSERT_TRUE(files->begin(JobId{1}).ok());
  const std::string capsules = directory_.path("events/job-1.capsules");
  EXPECT_EQ(files->capsule_directory(JobId{1}), capsules);
  directory_.write("events/job-1.capsules/map-0.1.capsule", "0123456789");
  EXPECT_EQ(*files->read_capsule(JobId{1}, "map-0.1.capsule", 8, 100), "89");
  EXPECT_EQ(files->read_capsule(JobId{1}, "map-0.2.capsule", 0, 100).status().code(),
            StatusCode::kNotFound);
  files->end(JobId{1});
  EXPECT_TRUE(std::filesystem::exists(capsules));
  run(*files, JobId{2}, "{}\n");
  EXPECT_FALSE(std::filesystem::exists(capsules));
  // A job of another master that had the same number.
  directory_.write("events/job-3.capsules/map-0.1.capsule", "old");
  ASSERT_TRUE(files->begin(JobId{3}).ok());
  EXPECT_FALSE(std::filesystem::exists(directory_.path("events/job-3.capsules")));
}

TEST_F(EventFilesTest, CapsulesCountAsBytesOfTheirJob) {
  directory_.write("events/job-1.jsonl", "{}\n");
  directory_.write("events/job-1.capsules/map-0.1.capsule", std::string(1000, 'c'));
  const auto files = open({.bytes_total = 500, .jobs = 10});
  run(*files, JobId{2}, "{}\n");
  EXPECT_FALSE(std::filesystem::exists(directory_.path("events/job-1.jsonl")));
  EXPECT_TRUE(std::filesystem::exists(directory_.path("events/job-2.jsonl")));
}

}  // namespace
}  // namespace fanfold::master
