#include "worker/isolation/source_lines.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <utility>

#include "common/core/clock.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

constexpr Duration kToolTimeout = 10s;
constexpr std::size_t kToolOutputMax = 1u << 20;

/// Everything the tool prints, or nothing when it is not installed, fails or takes too long.
std::string run_tool(std::vector<std::string> words) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  UniqueFd input(ends[0]);
  UniqueFd output(ends[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // The worker blocks the signals it reads from a descriptor; the tool must not inherit that.
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t process = 0;
  char* no_environment[] = {nullptr};
  const int failed = ::posix_spawnp(&process, arguments[0], &actions, &attributes, arguments.data(),
                                    no_environment);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  output.reset();
  if (failed != 0) return {};

  std::string text;
  const Instant deadline = steady_clock().now() + kToolTimeout;
  bool complete = false;
  while (text.size() < kToolOutputMax) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock().now());
    pollfd watched{input.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&watched, 1, static_cast<int>(left.count())) <= 0) break;
    char buffer[8u << 10];
    const ssize_t got = ::read(input.get(), buffer, sizeof buffer);
    if (got <= 0) {
      complete = got == 0;
      break;
    }
    text.append(buffer, static_cast<std::size_t>(got));
  }
  if (!complete) ::kill(process, SIGKILL);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return complete && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : std::string();
}

std::string_view take_line(std::string_view* text) {
  const std::size_t end = std::min(text->find('\n'), text->size());
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return line;
}

/// "/long/path/job.cpp:12 (discriminator 3)" -> "job.cpp:12"; empty when unknown.
std::string short_place(std::string_view place) {
  place = place.substr(0, place.find(" ("));
  place.remove_prefix(std::min(place.rfind('/') + 1, place.size()));
  if (place.empty() || place.substr(0, 2) == "??") return {};
  return std::string(place);
}

struct Function {
  std::string name;
  std::string place;
};

/// addr2line calls an inlined function without external linkage by the name of the function that it
/// was inlined into.  That name would send people to the wrong place: it goes where it belongs.
void put_names_right(std::vector<Function>* chain) {
  if (chain->size() < 2) return;
  Function& inlined = chain->front();
  Function& outermost = chain->back();
  const std::size_t at = inlined.name.find(outermost.name + "(");
  if (at == inlined.name.npos || (at > 0 && inlined.name[at - 1] != ':')) return;
  outermost.name = std::exchange(inlined.name, "an inlined function");
}

/// After each "0x<address>" line: pairs of function and place, inlined functions first.
SourceLines parse(std::string_view text) {
  std::map<std::uint64_t, std::vector<Function>> chains;
  std::vector<Function>* current = nullptr;
  while (!text.empty()) {
    const std::string_view line = take_line(&text);
    if (line.substr(0, 2) == "0x") {
      std::uint64_t address = 0;
      std::from_chars(line.data() + 2, line.data() + line.size(), address, 16);
      current = &chains[address];
      continue;
    }
    std::string place = short_place(take_line(&text));
    if (current == nullptr || line.empty() || line == "??") continue;
    current->push_back({std::string(line), std::move(place)});
  }
  SourceLines lines;
  for (auto& [address, chain] : chains) {
    put_names_right(&chain);
    for (const Function& function : chain) {
      const std::string place = function.place.empty() ? "" : " at " + function.place;
      lines[address].push_back(function.name + place);
    }
  }
  return lines;
}

}  // namespace

SourceLines source_lines(const std::string& file, const std::vector<std::uint64_t>& addresses) {
  if (addresses.empty()) return {};
  const std::vector<std::vector<std::string>> tools = {
      {"addr2line", "-a", "-f", "-C", "-i", "-e", file},
      {"llvm-symbolizer", "--output-style=GNU", "-a", "-C", "-i", "-e", file},
  };
  for (std::vector<std::string> words : tools) {
    for (const std::uint64_t address : addresses) {
      char text[32];
      std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
      words.emplace_back(text);
    }
    SourceLines lines = parse(run_tool(std::move(words)));
    if (!lines.empty()) return lines;
  }
  return {};
}

}  // namespace fanfold::worker
