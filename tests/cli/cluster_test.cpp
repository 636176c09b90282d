// Shapes of clusters, their programs' command lines, private directories and spawned processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/cluster/programs.hpp"
#include "cli/cluster/standing_cluster.hpp"
#include "cli/process/private_directory.hpp"
#include "cli/process/spawn.hpp"

namespace fanfold::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

TEST(ClusterShape, SharesTheCoresOut) {
  EXPECT_EQ(choose_shape({}, {}, 1).workers, 1u);
  EXPECT_EQ(choose_shape({}, {}, 1).slots, 1u);
  EXPECT_EQ(choose_shape({}, {}, 2).workers, 2u);
  EXPECT_EQ(choose_shape({}, {}, 2).slots, 1u);
  EXPECT_EQ(choose_shape({}, {}, 16).slots, 8u);
  EXPECT_EQ(choose_shape(4, {}, 2).slots, 1u);
  EXPECT_EQ(choose_shape(4, 3, 2).slots, 3u);
}

TEST(Programs, KeepTheDescriptorsTheyAreToldOf) {
  ProgramOptions options;
  options.program_directory = "/opt/bin";
  options.directory = "/tmp/x";
  options.lifetime_fd = 7;
  options.ready_fd = 9;
  const SpawnRequest master = master_program(options);
  EXPECT_EQ(master.program, "/opt/bin/fanfold-master");
  EXPECT_THAT(master.arguments, Contains("ipc:///tmp/x/master.sock"));
  EXPECT_THAT(master.inherited, testing::ElementsAre(7, 9));
  options.lifetime_fd = -1;
  EXPECT_THAT(worker_program(options, {}, 3).arguments, Not(Contains("--lifetime-fd")));
  EXPECT_THAT(worker_program(options, {}, 3).arguments, Contains("worker-3"));
}

TEST(PrivateDirectoryTest, IsOursAloneAndGoesWithItsOwner) {
  std::string path;
  {
    PrivateDirectory directory;
    ASSERT_TRUE(directory.create(testing::TempDir()).ok());
    path = directory.path();
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
    std::filesystem::create_directories(path + "/a/b");
    std::ofstream(path + "/a/b/file") << "x";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(PrivateDirectoryTest, TakesTheOthersAlong) {
  PrivateDirectory other;
  ASSERT_TRUE(other.create(testing::TempDir()).ok());
  const std::string staging = other.path() + "/staging";
  {
    PrivateDirectory directory;
    ASSERT_TRUE(directory.create(testing::TempDir(), {staging, "/nowhere/at-all"}).ok());
    std::filesystem::create_directories(staging + "/part");
  }
  EXPECT_FALSE(std::filesystem::exists(staging));
  EXPECT_TRUE(std::filesystem::exists(other.path()));
}

TEST(PrivateDirectoryTest, RefusesAParentWhoseSocketsWouldHaveTooLongNames) {
  PrivateDirectory directory;
  const Status status = directory.create("/tmp/" + std::string(100, 'x'));
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("TMPDIR"));
}

TEST(PrivateDirectoryTest, SaysWhyItCannotBeMade) {
  PrivateDirectory directory;
  const Status status = directory.create("/nowhere");
  EXPECT_THAT(status.message(), HasSubstr("/nowhere"));
  EXPECT_THAT(status.message(), HasSubstr("No such file or directory"));
}

class Spawning : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(directory_.create(testing::TempDir()).ok()); }
  SpawnRequest shell(const std::string& script) {
    SpawnRequest request;
    request.program = "/bin/sh";
    request.arguments = {"-c", script};
    request.output = directory_.path() + "/log";
    return request;
  }
  PrivateDirectory directory_;
};

TEST_F(Spawning, PassesDescriptorsAndCollectsOutput) {
  const Result<Pipe> pipe = make_pipe();
  ASSERT_TRUE(pipe.ok());
  const std::string number = std::to_string(pipe->write_end);
  SpawnRequest request = shell("echo out; echo err >&2; printf x >/proc/self/fd/" + number);
  request.inherited = {pipe->write_end};
  const Result<pid_t> child = spawn(request);
  ASSERT_TRUE(child.ok()) << child.status().message();
  ::close(pipe->write_end);
  char byte = 0;
  EXPECT_EQ(::read(pipe->read_end, &byte, 1), 1);
  EXPECT_EQ(::read(pipe->read_end, &byte, 1), 0);
  ::close(pipe->read_end);
  int status = 0;
  ASSERT_EQ(::waitpid(*child, &status, 0), *child);
  EXPECT_EQ(describe_exit(status), "exit status 0");
  EXPECT_EQ(last_lines(directory_.path() + "/log", 5), "out\nerr");
  EXPECT_EQ(last_lines(directory_.path() + "/log", 1), "err");
}

TEST_F(Spawning, PutsTheProgramIntoAGroupOfItsOwn) {
  const Result<pid_t> child = spawn(shell("exec sleep 1000"));
  ASSERT_TRUE(child.ok());
  EXPECT_EQ(::getpgid(*child), *child);
  ::kill(*child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(*child, &status, 0), *child);
  EXPECT_THAT(describe_exit(status), HasSubstr("signal 9"));
}

TEST_F(Spawning, SaysWhichProgramIsMissing) {
  SpawnRequest request = shell("");
  request.program = "/nowhere/fanfold-master";
  const Result<pid_t> child = spawn(request);
  EXPECT_EQ(child.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(child.status().message(), HasSubstr("/nowhere/fanfold-master"));
}

TEST(StandingCluster, WithoutARecordIsNone) {
  PrivateDirectory directory;
  ASSERT_TRUE(directory.create(testing::TempDir()).ok());
  const auto record = read_cluster_record(directory.path());
  ASSERT_TRUE(record.ok());
  EXPECT_FALSE(record->has_value());
  EXPECT_EQ(take_down(directory.path(), false).code(), StatusCode::kNotFound);
}

TEST(StandingCluster, DoesNotTakeAnyProcessForOneOfItsOwn) {
  PrivateDirectory directory;
  ASSERT_TRUE(directory.create(testing::TempDir()).ok());
  // A process id that was given to somebody else since: this very process.
  std::ofstream(directory.path() + "/cluster.json")
      << "{\"master\": " << ::getpid() << ", \"workers\": [" << ::getppid() << "]}";
  const auto record = read_cluster_record(directory.path());
  ASSERT_TRUE(record.ok() && record->has_value());
  EXPECT_TRUE(living_processes(directory.path(), **record).empty());
  EXPECT_TRUE(take_down(directory.path(), false).ok());
  EXPECT_FALSE(std::filesystem::exists(directory.path()));
}

TEST(StandingCluster, SaysThatItsRecordIsDamaged) {
  PrivateDirectory directory;
  ASSERT_TRUE(directory.create(testing::TempDir()).ok());
  for (const char* text : {"", "{", "[]", "{\"master\": \"x\", \"workers\": []}"}) {
    std::ofstream(directory.path() + "/cluster.json") << text;
    EXPECT_EQ(read_cluster_record(directory.path()).status().code(), StatusCode::kCorruption);
  }
}

}  // namespace
}  // namespace fanfold::cli
