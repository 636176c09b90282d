#include "cli/process/run_programs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "cli/process/spawn.hpp"
#include "common/core/clock.hpp"
#include "common/core/unique_fd.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kAtOnce = 32;
constexpr Duration kPatience = 60s;
constexpr std::size_t kErrorLines = 4;

/// One call while it runs.
struct Running {
  std::size_t number = 0;
  std::size_t output_bytes_max = 0;
  pid_t pid = -1;
  UniqueFd end;
  Instant deadline;
};

std::string read_some(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  std::error_code unknown;
  const std::uintmax_t size = std::filesystem::file_size(path, unknown);
  std::string text(unknown ? 0 : std::min<std::uintmax_t>(size, bytes_max), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string last_words(const std::string& path) {
  std::string text = printable(last_lines(path, kErrorLines), true);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// Readable by us alone from its first byte on.
Status write_input(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  std::size_t done = 0;
  while (file.open() && done < text.size()) {
    const ssize_t count = ::write(file.get(), text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    done += static_cast<std::size_t>(count);
  }
  if (file.open() && done == text.size()) return {};
  return {StatusCode::kIoError, "cannot write " + path + ": " + std::strerror(errno)};
}

void remove_files(const std::string& files) {
  for (const char* end : {".in", ".out", ".err"}) ::unlink((files + end).c_str());
}

Result<Running> start(const ProgramCall& call, std::size_t number, const std::string& files) {
  remove_files(files);
  FANFOLD_RETURN_IF_ERROR(write_input(files + ".in", call.input));
  SpawnRequest request;
  request.program = call.program;
  request.arguments = call.arguments;
  request.input = files + ".in";
  request.output = files + ".out";
  request.error = files + ".err";
  request.without = call.without;
  Running running;
  running.number = number;
  running.output_bytes_max = call.output_bytes_max;
  FANFOLD_ASSIGN_OR_RETURN(running.pid, spawn(request));
  running.end = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, running.pid, 0)));
  running.deadline = steady_clock().now() + kPatience;
  return running;
}

/// Until one of them ends or is out of time, or an interrupt came.
void wait_for_any(const std::vector<Running>& all, Interrupts& interrupts) {
  std::vector<pollfd> waits = {{interrupts.descriptor(), POLLIN, 0}};
  Instant deadline = all.front().deadline;
  for (const Running& one : all) {
    waits.push_back({one.end.get(), POLLIN, 0});
    deadline = std::min(deadline, one.deadline);
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock().now()).count();
  ::poll(waits.data(), waits.size(), static_cast<int>(std::max<std::int64_t>(left, 0)));
  interrupts.drain();
}

int wait_for(pid_t pid, int options, int* wait_status) {
  int ended = 0;
  while ((ended = ::waitpid(pid, wait_status, options)) < 0 && errno == EINTR) {
  }
  return ended;
}

/// nullopt: it still runs.
std::optional<ProgramEnd> end_of(const Running& one, const std::string& files, bool interrupted) {
  ProgramEnd end;
  if (wait_for(one.pid, WNOHANG, &end.wait_status) != one.pid) {
    if (!interrupted && steady_clock().now() < one.deadline) return std::nullopt;
    ::kill(-one.pid, SIGKILL);
    wait_for(one.pid, 0, &end.wait_status);
    end.status = interrupted ? Status(StatusCode::kAborted, "interrupted")
                             : Status(StatusCode::kUnavailable, "it did not end within 60 s");
  }
  end.output = read_some(files + ".out", one.output_bytes_max + 1);
  end.cut = end.output.size() > one.output_bytes_max;
  if (end.cut) end.output.resize(one.output_bytes_max);
  end.error = last_words(files + ".err");
  return end;
}

}  // namespace

std::vector<ProgramEnd> run_programs(const std::vector<ProgramCall>& calls,
                                     const std::string& directory, Interrupts& interrupts) {
  std::vector<ProgramEnd> ends(calls.size());
  std::vector<Running> running;
  // Cleaning up after an interrupt is a call of its own.
  const int before = interrupts.count();
  const auto files = [&](std::size_t number) {
    return directory + "/call-" + std::to_string(number);
  };
  std::size_t next = 0;
  while (next < calls.size() || !running.empty()) {
    while (next < calls.size() && running.size() < kAtOnce) {
      const std::size_t number = next++;
      Result<Running> one = Status(StatusCode::kAborted, "interrupted");
      if (interrupts.count() == before) one = start(calls[number], number, files(number));
      if (one.ok()) {
        running.push_back(*std::move(one));
        continue;
      }
      ends[number].status = one.status();
      remove_files(files(number));
    }
    if (running.empty()) continue;
    wait_for_any(running, interrupts);
    std::erase_if(running, [&](const Running& one) {
      auto end = end_of(one, files(one.number), interrupts.count() > before);
      if (!end) return false;
      ends[one.number] = *std::move(end);
      remove_files(files(one.number));
      return true;
    });
  }
  return ends;
}

ProgramEnd run_program(const ProgramCall& call, Interrupts& interrupts) {
  std::string place = (std::filesystem::temp_directory_path() / "fanfold-XXXXXX").string();
  if (::mkdtemp(place.data()) == nullptr) {
    ProgramEnd end;
    end.status = {StatusCode::kIoError,
                  "cannot make a directory like " + place + ": " + std::strerror(errno)};
    return end;
  }
  ProgramEnd end = run_programs({call}, place, interrupts).front();
  std::error_code ignored;
  std::filesystem::remove_all(place, ignored);
  return end;
}

}  // namespace fanfold::cli
