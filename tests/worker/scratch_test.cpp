#include "worker/service/scratch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/io/temporary_directory.hpp"

namespace fanfold::worker {
namespace {

namespace fs = std::filesystem;

class ScratchDirectory : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  Scratch make(const std::string& name) {
    auto scratch = Scratch::make(io::posix_file_system(), {path(name), "of-" + name});
    EXPECT_TRUE(scratch.ok()) << scratch.status().message();
    return *std::move(scratch);
  }
  static void write(const std::string& file) {
    fs::create_directories(fs::path(file).parent_path());
    std::ofstream(file) << "data";
  }
  /// A process that made a scratch directory, and was then killed.
  void make_and_die(const std::string& name) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto scratch = Scratch::make(io::posix_file_system(), {path(name), "of-" + name});
      write(path(name) + "/1/2/output.run");
      ::kill(::getpid(), SIGKILL);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ASSERT_TRUE(fs::exists(path(name) + "/1/2/output.run"));
  }

  io::TemporaryDirectory directory_;
};

TEST_F(ScratchDirectory, IsForItsOwnerAlone) {
  const Scratch scratch = make("worker-1");
  struct stat info {};
  ASSERT_EQ(::stat(scratch.directory().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(ScratchDirectory, GoesWithEverythingInIt) {
  {
    const Scratch scratch = make("worker-1");
    write(scratch.attempt_directory(JobId{1}, AttemptId{2}) + "/output.run");
  }
  EXPECT_FALSE(fs::exists(path("worker-1")));
}

TEST_F(ScratchDirectory, OfAKilledWorkerIsRemovedByTheNext) {
  make_and_die("worker-1");
  const Scratch scratch = make("worker-2");
  EXPECT_FALSE(fs::exists(path("worker-1")));
  EXPECT_TRUE(fs::exists(path("worker-2")));
}

TEST_F(ScratchDirectory, TellsTheUuidsOfTheKilledAndOfNobodyElse) {
  const Scratch first = make("worker-4");
  EXPECT_THAT(first.died(), testing::IsEmpty());
  make_and_die("worker-1");
  const Scratch second = make("worker-5");
  EXPECT_THAT(second.died(), testing::ElementsAre("of-worker-1"));
  make_and_die("worker-2");
  const Scratch same_id = make("worker-2");
  EXPECT_THAT(same_id.died(), testing::ElementsAre("of-worker-2"));
  EXPECT_EQ(same_id.uuid(), "of-worker-2");
}

TEST_F(ScratchDirectory, OfALivingWorkerStays) {
  const Scratch first = make("worker-1");
  write(path("worker-1/1/2/output.run"));
  const Scratch second = make("worker-2");
  EXPECT_TRUE(fs::exists(path("worker-1/1/2/output.run")));
}

TEST_F(ScratchDirectory, LeavesOtherNamesAlone) {
  write(path("worker-x/file"));
  write(path("master-7/file"));
  write(path("7/file"));
  fs::create_directory_symlink(path("master-7"), path("worker-8"));
  const Scratch scratch = make("worker-2");
  for (const char* name : {"worker-x/file", "master-7/file", "7/file", "worker-8/file"}) {
    EXPECT_TRUE(fs::exists(path(name))) << name;
  }
}

TEST_F(ScratchDirectory, ReplacesWhatAnEarlierProcessOfTheSameIdLeft) {
  make_and_die("worker-1");
  const Scratch scratch = make("worker-1");
  EXPECT_FALSE(fs::exists(path("worker-1/1")));
}

// All of them sweep while others have made their directory and do not hold its lock yet.
TEST_F(ScratchDirectory, OfWorkersThatStartTogetherIsNeverSweptAway) {
  constexpr int kWorkers = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < kWorkers; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string own = path("worker-" + std::to_string(100 + i));
      bool kept = true;
      for (int round = 0; round < 200 && kept; ++round) {
        auto scratch = Scratch::make(io::posix_file_system(), {own, "own"});
        kept = scratch.ok() && fs::exists(own);
      }
      ::_exit(kept ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int wait_status = 0;
    ASSERT_EQ(::waitpid(child, &wait_status, 0), child);
    EXPECT_EQ(wait_status, 0);
  }
}

}  // namespace
}  // namespace fanfold::worker
