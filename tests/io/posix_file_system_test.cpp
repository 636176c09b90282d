// The production file system: the conformance suite, and what only real files can show.

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "tests/io/child.hpp"
#include "tests/io/file_system_conformance.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::io {
namespace {

class PosixWorld final : public FileSystemWorld {
 public:
  FileSystem& files() override { return posix_file_system(); }
  std::string root() override { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
};

std::string name_of(const testing::TestParamInfo<MakeWorld>&) { return "posix"; }

INSTANTIATE_TEST_SUITE_P(Production, FileSystemConformance,
                         testing::Values([] { return std::make_unique<PosixWorld>(); }), name_of);

TEST(PosixFileSystem, SaysPermissionDeniedAndWhere) {
  const TemporaryDirectory directory;
  const std::string secret = directory.write("secret", "x");
  std::filesystem::create_directory(directory.path("closed"));
  ::chmod(secret.c_str(), 0);
  ::chmod(directory.path("closed").c_str(), 0);
  ::chmod(directory.path().c_str(), 0755);
  run_unprivileged([&] {
    FileSystem& files = posix_file_system();
    for (const Status& status :
         {files.open(secret).status(), files.check_readable(secret),
          files.list(directory.path("closed")).status(),
          files.create(directory.path("new")).status(), files.make_directories(directory.path("d")),
          files.stat(directory.path("closed/x")).status()}) {
      if (status.code() != StatusCode::kIoError) return "code of: " + status.message();
      const bool clear = status.message().find("Permission denied") != std::string::npos &&
                         status.message().find(directory.path()) != std::string::npos;
      if (!clear) return "words of: " + status.message();
    }
    return std::string();
  });
}

TEST(PosixFileSystem, FollowsLinksToStatButNeverToRemove) {
  const TemporaryDirectory directory;
  directory.write("kept/file", "precious");
  std::filesystem::create_directory(directory.path("tree"));
  std::filesystem::create_symlink(directory.path("kept"), directory.path("tree/link"));
  FileSystem& files = posix_file_system();
  EXPECT_EQ(files.stat(directory.path("tree/link"))->kind, FileKind::kDirectory);
  ASSERT_TRUE(files.remove_tree(directory.path("tree")).ok());
  EXPECT_FALSE(directory.contains("tree"));
  EXPECT_EQ(directory.read("kept/file"), "precious");
}

TEST(PosixFileSystem, RemovesManyEntriesAndNothingThatLinksLeadTo) {
  const TemporaryDirectory directory;
  directory.write("kept/file", "precious");
  for (int i = 0; i < 1000; ++i) {
    const std::string entry = "tree/" + std::to_string(i);
    if (i % 4 == 0) directory.write(entry, "a file");
    if (i % 4 == 1) directory.write(entry + "/deep/er", "a file");
    if (i % 4 == 2) std::filesystem::create_directories(directory.path(entry));
    if (i % 4 == 3) {
      std::filesystem::create_directory_symlink(directory.path("kept"), directory.path(entry));
    }
  }
  FileSystem& files = posix_file_system();
  std::filesystem::create_directory_symlink(directory.path("tree"), directory.path("link"));
  ASSERT_TRUE(files.remove_tree(directory.path("link")).ok());
  EXPECT_EQ(files.list(directory.path("tree"))->size(), 1000u);
  ASSERT_TRUE(files.remove_tree(directory.path("tree")).ok());
  EXPECT_FALSE(directory.contains("tree"));
  EXPECT_EQ(directory.read("kept/file"), "precious");
}

TEST(PosixFileSystem, RemovesATreeInWhichSomebodyStillMakesEntries) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path("tree"));
  std::atomic<int> made{0};
  std::jthread maker([&] {
    const auto make = [&] {
      return ::mkdir(directory.path("tree/" + std::to_string(made)).c_str(), 0700);
    };
    while (made < 1'000 && make() == 0) ++made;
  });
  while (made < 10) std::this_thread::yield();
  const Status status = posix_file_system().remove_tree(directory.path("tree"));
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_FALSE(directory.contains("tree"));
}

TEST(PosixFileSystem, RemovesATreeThatSomebodyElseRemovesToo) {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 20; ++i) {
      std::filesystem::create_directories(directory.path("tree/" + std::to_string(i) + "/deep"));
    }
    Status other;
    std::jthread remover([&] { other = files.remove_tree(directory.path("tree")); });
    const Status status = files.remove_tree(directory.path("tree"));
    EXPECT_TRUE(status.ok()) << status.message();
    remover.join();
    EXPECT_TRUE(other.ok()) << other.message();
    ASSERT_FALSE(directory.contains("tree"));
  }
}

TEST(PosixFileSystem, SaysThatLinksLeadInACircle) {
  const TemporaryDirectory directory;
  std::filesystem::create_symlink(directory.path("a"), directory.path("b"));
  std::filesystem::create_symlink(directory.path("b"), directory.path("a"));
  const Status status = posix_file_system().stat(directory.path("a")).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_NE(status.message().find("circle"), std::string::npos) << status.message();
}

TEST(PosixFileSystem, TellsDevicesFromFiles) {
  EXPECT_EQ(posix_file_system().stat("/dev/null")->kind, FileKind::kOther);
}

/// In a child process only: makes writes below `directory` fail for want of space, with a disk of
/// 64 KiB where mounting is allowed, else with a limit on the size of files.
void shrink_disk(const std::string& directory) {
  const bool own_mounts =
      ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  if (own_mounts && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
      ::mount("none", directory.c_str(), "tmpfs", 0, "size=64k") == 0) {
    return;
  }
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{64u << 10, 64u << 10};
  ::setrlimit(RLIMIT_FSIZE, &small);
}

TEST(PosixFileSystem, SaysThatTheDiskIsFull) {
  const TemporaryDirectory directory;
  run_in_child([&] {
    shrink_disk(directory.path());
    auto file = posix_file_system().create(directory.path("file"));
    if (!file.ok()) return file.status().message();
    const Status status = (*file)->append(std::string(1u << 20, 'x'));
    const bool clear = status.code() == StatusCode::kNoSpace &&
                       status.message().find(directory.path("file")) != std::string::npos;
    return clear ? std::string() : "unclear: " + status.message();
  });
}

TEST(PosixFileSystem, ShowsTheOldOrTheNewDirectoryAtEveryInstantOfAnExchange) {
  const TemporaryDirectory directory;
  directory.write("out/version", "old");
  FileSystem& files = posix_file_system();
  std::atomic<bool> done{false};
  std::atomic<int> looks{0};
  int absent = 0;
  std::thread watcher([&] {
    while (!done.load()) {
      if (!files.stat(directory.path("out/version")).ok()) ++absent;
      ++looks;
    }
  });
  for (int round = 0; round < 200 || looks.load() < 200; ++round) {
    directory.write("stage/version", std::to_string(round));
    const Status status =
        files.publish(directory.path("stage"), directory.path("out"), Replace::kExchange);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(directory.read("out/version"), std::to_string(round));
    EXPECT_TRUE(files.remove_tree(directory.path("stage")).ok());
  }
  done = true;
  watcher.join();
  EXPECT_EQ(absent, 0);
}

}  // namespace
}  // namespace fanfold::io
