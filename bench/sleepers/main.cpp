// fanfold-sleepers: forks any number of worker processes whose tasks sleep, and starts those again
// that die.  bench/paper-experiment uses it.

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "bench/sleepers/sleeper.hpp"

namespace fanfold::bench {
namespace {

namespace po = boost::program_options;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Wanted {
  std::uint32_t workers = 1;
  SleeperOptions sleeper;
  std::chrono::milliseconds restart{0};
  std::uint32_t slow_every = 0;
  std::uint32_t slowness = 10;
};

po::options_description describe_options() {
  po::options_description options("fanfold-sleepers: worker processes whose tasks sleep");
  auto add = options.add_options();
  add("help", "this text");
  add("master", po::value<std::string>()->required(), "address of the master");
  add("scratch", po::value<std::string>()->required(), "directory for small map outputs");
  add("log", po::value<std::string>()->required(), "where all of them note what was committed");
  add("workers", po::value<std::uint32_t>()->default_value(8), "processes");
  add("map-ms", po::value<std::int64_t>()->default_value(2100), "mean time of a map task");
  add("reduce-ms", po::value<std::int64_t>()->default_value(26000), "mean time of a reduce task");
  add("sigma-percent", po::value<std::uint32_t>()->default_value(25), "how much times differ");
  add("sample-every", po::value<std::uint32_t>()->default_value(750),
      "a reduce task fetches one in so many map outputs");
  add("restart-ms", po::value<std::int64_t>()->default_value(2000),
      "a worker that died is started again after this time");
  add("fetch-patience-ms", po::value<std::int64_t>()->default_value(1000),
      "a data server that says nothing for so long is given up");
  add("slow-every", po::value<std::uint32_t>()->default_value(0),
      "one in so many workers is ten times as slow; 0: none");
  return options;
}

Wanted interpret(const po::variables_map& given) {
  Wanted wanted;
  wanted.workers = given["workers"].as<std::uint32_t>();
  wanted.sleeper.master = given["master"].as<std::string>();
  wanted.sleeper.scratch = given["scratch"].as<std::string>();
  wanted.sleeper.log = given["log"].as<std::string>();
  wanted.sleeper.sleep.map = std::chrono::milliseconds(given["map-ms"].as<std::int64_t>());
  wanted.sleeper.sleep.reduce = std::chrono::milliseconds(given["reduce-ms"].as<std::int64_t>());
  wanted.sleeper.sleep.sigma_percent = given["sigma-percent"].as<std::uint32_t>();
  wanted.sleeper.sleep.sample_every = given["sample-every"].as<std::uint32_t>();
  wanted.sleeper.fetch_patience =
      std::chrono::milliseconds(given["fetch-patience-ms"].as<std::int64_t>());
  wanted.restart = std::chrono::milliseconds(given["restart-ms"].as<std::int64_t>());
  wanted.slow_every = given["slow-every"].as<std::uint32_t>();
  return wanted;
}

/// One thread, for ever: what it forks is a plain process.
class Supervisor {
 public:
  explicit Supervisor(const Wanted& wanted) : wanted_(wanted) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGCHLD);
    sigaddset(&signals_, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals_, &before_);
  }

  int run() {
    for (std::uint32_t number = 0; number < wanted_.workers; ++number) start(number);
    while (!workers_.empty() || !due_.empty()) {
      if (wait_for_signal() == SIGTERM) return end_all();
      reap();
      while (!due_.empty() && due_.begin()->first <= Clock::now()) {
        start(due_.begin()->second);
        due_.erase(due_.begin());
      }
    }
    return 0;
  }

 private:
  /// A line of standard output for each process: its number and its id.
  void start(std::uint32_t number) {
    const pid_t pid = ::fork();
    if (pid < 0) return static_cast<void>(due_.emplace(Clock::now() + wanted_.restart, number));
    if (pid == 0) become_worker(number);
    workers_[pid] = number;
    std::printf("%u %d\n", number, pid);
    std::fflush(stdout);
  }

  [[noreturn]] void become_worker(std::uint32_t number) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    SleeperOptions options = wanted_.sleeper;
    options.number = options.sleep.number = number;
    if (wanted_.slow_every != 0 && number % wanted_.slow_every == 0) {
      options.sleep.slowness = wanted_.slowness;
    }
    const Status end = run_sleeper(options);
    if (!end.ok()) std::fprintf(stderr, "sleeper %u: %s\n", number, end.message().c_str());
    ::_exit(end.ok() ? 0 : 1);
  }

  int wait_for_signal() {
    const auto left = due_.empty()
                          ? std::chrono::nanoseconds(10s)
                          : std::max(std::chrono::nanoseconds(0),
                                     std::chrono::nanoseconds(due_.begin()->first - Clock::now()));
    const timespec patience{static_cast<time_t>(left / 1s), static_cast<long>((left % 1s).count())};
    return ::sigtimedwait(&signals_, nullptr, &patience);
  }

  void reap() {
    int wait_status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &wait_status, WNOHANG)) > 0;) {
      const auto ended = workers_.find(pid);
      if (ended == workers_.end()) continue;
      // Who was let go stays away.
      if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
        due_.emplace(Clock::now() + wanted_.restart, ended->second);
      }
      workers_.erase(ended);
    }
  }

  int end_all() {
    for (const auto& [pid, number] : workers_) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    return 0;
  }

  const Wanted wanted_;
  sigset_t signals_;
  sigset_t before_;
  std::map<pid_t, std::uint32_t> workers_;
  std::multimap<Clock::time_point, std::uint32_t> due_;
};

int run(int argc, char** argv) {
  const po::options_description options = describe_options();
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv).options(options).run(), given);
    if (given.count("help") != 0) {
      std::cout << options;
      return 0;
    }
    po::notify(given);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fanfold-sleepers: %s\n", error.what());
    return 2;
  }
  // Thousands of processes share this host's memory: one arena each has to do.
  ::mallopt(M_ARENA_MAX, 1);
  return Supervisor(interpret(given)).run();
}

}  // namespace
}  // namespace fanfold::bench

int main(int argc, char** argv) { return fanfold::bench::run(argc, argv); }
