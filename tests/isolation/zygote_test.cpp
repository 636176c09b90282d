#include "worker/isolation/zygote.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <string>

#include "worker/isolation/shared_page.hpp"

namespace fanfold::worker {
namespace {

ZygoteEvent next_event(Zygote& zygote) {
  for (;;) {
    auto event = zygote.next_event();
    EXPECT_TRUE(event.ok());
    if (!event.ok()) return {};
    if (*event) return **event;
    pollfd watched{zygote.descriptor(), POLLIN, 0};
    ::poll(&watched, 1, -1);
  }
}

/// An executor with nobody to give it tasks but us.
struct BareExecutor {
  UniqueFd control;
  UniqueFd log;
  SharedMapping mapping;
  std::int32_t process = 0;
};

BareExecutor start(Zygote& zygote, std::uint64_t token) {
  int control[2];
  int log[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control), 0);
  EXPECT_EQ(::pipe2(log, O_CLOEXEC), 0);
  BareExecutor executor{UniqueFd(control[0]), UniqueFd(log[0]), *SharedMapping::create()};
  ExecutorDescriptors passed;
  passed.control = UniqueFd(control[1]);
  passed.log = UniqueFd(log[1]);
  passed.page = UniqueFd(::dup(executor.mapping.descriptor()));
  EXPECT_TRUE(zygote.start_executor(token, passed, 1u << 30).ok());
  const ZygoteEvent event = next_event(zygote);
  EXPECT_EQ(event.kind, ZygoteEvent::Kind::kStarted);
  EXPECT_EQ(event.token, token);
  executor.process = event.process;
  return executor;
}

TEST(Zygote, ReportsTheEndOfAnExecutorThatIsLetGo) {
  auto zygote = Zygote::start();
  ASSERT_TRUE(zygote.ok());
  BareExecutor executor = start(*zygote, 7);
  executor.control.reset();
  const ZygoteEvent event = next_event(*zygote);
  EXPECT_EQ(event.kind, ZygoteEvent::Kind::kEnded);
  EXPECT_EQ(event.token, 7u);
  EXPECT_TRUE(WIFEXITED(event.wait_status) && WEXITSTATUS(event.wait_status) == 0);
  EXPECT_GT(event.peak_rss_bytes, 0u);
}

TEST(Zygote, SignalsAnExecutor) {
  auto zygote = Zygote::start();
  ASSERT_TRUE(zygote.ok());
  const BareExecutor executor = start(*zygote, 8);
  ASSERT_TRUE(zygote->signal_executor(8, SIGKILL).ok());
  const ZygoteEvent event = next_event(*zygote);
  EXPECT_EQ(event.token, 8u);
  EXPECT_TRUE(WIFSIGNALED(event.wait_status) && WTERMSIG(event.wait_status) == SIGKILL);
}

TEST(Zygote, TakesItsExecutorsAlong) {
  BareExecutor executor = [] {
    auto zygote = Zygote::start();
    EXPECT_TRUE(zygote.ok());
    return start(*zygote, 11);
  }();
  // The zygote is gone and waited for; it waited for its executors.
  EXPECT_EQ(::kill(executor.process, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Zygote, ExecutorsDieWithAKilledWorker) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t worker = ::fork();
  if (worker == 0) {
    auto zygote = Zygote::start();
    BareExecutor executor = start(*zygote, 12);
    // The log pipe's write end is now held by the executor alone: its end of file is its death.
    [[maybe_unused]] const auto put = ::write(ends[1], &executor.process, sizeof executor.process);
    for (;;) ::pause();
  }
  UniqueFd input(ends[0]);
  UniqueFd(ends[1]).reset();
  std::int32_t process = 0;
  ASSERT_EQ(::read(input.get(), &process, sizeof process), static_cast<ssize_t>(sizeof process));
  ::kill(worker, SIGKILL);
  ASSERT_EQ(::waitpid(worker, nullptr, 0), worker);
  const int watched = static_cast<int>(::syscall(SYS_pidfd_open, process, 0));
  if (watched >= 0) {
    pollfd end{watched, POLLIN, 0};
    EXPECT_EQ(::poll(&end, 1, 10'000), 1) << "executor " << process << " outlives its worker";
    ::close(watched);
  }
}

TEST(Zygote, SaysWhenItIsGone) {
  auto zygote = Zygote::start();
  ASSERT_TRUE(zygote.ok());
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  pid_t process = 0;
  ASSERT_TRUE(children >> process);
  ::kill(process, SIGKILL);
  pollfd watched{zygote->descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&watched, 1, 10'000), 1);
  const auto event = zygote->next_event();
  ASSERT_FALSE(event.ok());
  EXPECT_EQ(event.status().code(), StatusCode::kAborted);
}

}  // namespace
}  // namespace fanfold::worker
