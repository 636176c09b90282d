#include "master/store/directory_lock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>

#include "common/core/unique_fd.hpp"

namespace fanfold::master {
namespace {

TEST(DirectoryLockTest, WaitsForTheLockOfAMasterThatDies) {
  char directory[] = "/tmp/fanfold-lock-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/lock";
  std::promise<void> held;
  const std::future<void> dying = std::async(std::launch::async, [&] {
    const UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
    held.set_value();
    ::poll(nullptr, 0, 100);
  });
  held.get_future().wait();
  EXPECT_TRUE(DirectoryLock::take(directory).ok());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace fanfold::master
