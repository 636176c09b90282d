#include "worker/items/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "common/core/clock.hpp"
#include "worker/items/child_process.hpp"

namespace fanfold::worker {
namespace {

constexpr std::size_t kOutputBytesMax = 16u << 20;
constexpr std::size_t kErrorTailBytes = 8u << 10;
constexpr int kAliveMs = 1000;

TaskError error_of(std::string name, std::string cause) {
  return {std::move(name), std::move(cause)};
}

std::string seconds_text(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) + " s";
}

/// What is known of the command line before the process starts.
struct CommandLine {
  std::vector<std::string> words;
  std::string stdin_text;
  bool text_output = false;
};

std::variant<CommandLine, TaskError> read_line(const Json& input) {
  CommandLine line;
  const auto command = input.is_object() ? input.find("Command") : input.end();
  if (!input.is_object() || command == input.end() || !command->is_array() || command->empty()) {
    return error_of("States.Runtime", "Command is no list of words that begins with a program");
  }
  for (const Json& word : *command) {
    if (word.is_structured() || word.is_null()) {
      return error_of("States.Runtime", "Command holds something that is no word: " +
                                            items::text_of(word).substr(0, 200));
    }
    line.words.push_back(word.is_string() ? word.get<std::string>() : items::text_of(word));
    if (line.words.back().find('\0') != std::string::npos) {
      return error_of("States.Runtime", "a word of Command holds a zero byte");
    }
  }
  const auto text = input.find("Stdin");
  if (text != input.end()) {
    line.stdin_text = text->is_string() ? text->get<std::string>() : items::text_of(*text) + "\n";
  }
  line.text_output = input.value("OutputType", Json("JSON")) == "TEXT";
  return line;
}

/// In the new process.
void complain(const std::string& what) {
  const std::string why = what + ": " + std::strerror(errno) + "\n";
  [[maybe_unused]] const ssize_t put = ::write(STDERR_FILENO, why.data(), why.size());
}

class RunningCommand {
 public:
  RunningCommand(const TaskCall& call, const CommandDoors& doors, CommandLine line)
      : call_(call), doors_(doors), line_(std::move(line)) {}

  TaskResult run() {
    if (Status status = start(); !status.ok()) return error_of("Task.Exit", status.message());
    const std::optional<TaskError> stopped = attend();
    const ProcessEnd end = stopped ? *process_.stop() : process_.wait();
    drain();
    if (stopped) return *stopped;
    if (!end.good()) return failure_of(end);
    return output();
  }

 private:
  Status start() {
    FANFOLD_ASSIGN_OR_RETURN(Pipe in, make_pipe());
    FANFOLD_ASSIGN_OR_RETURN(Pipe out, make_pipe());
    FANFOLD_ASSIGN_OR_RETURN(Pipe error, make_pipe());
    std::vector<char*> words;
    for (std::string& word : line_.words) words.push_back(word.data());
    words.push_back(nullptr);
    const std::array<std::pair<const char*, std::string>, 3> variables = {
        {{"FANFOLD_ITEM_INDEX", std::to_string(call_.child)},
         {"FANFOLD_ATTEMPT", std::to_string(call_.attempt)},
         {"FANFOLD_IDEMPOTENCY_KEY", doors_.key}}};
    FANFOLD_RETURN_IF_ERROR(process_.start([&] {
      for (const auto& [name, value] : variables) ::setenv(name, value.c_str(), 1);
      ::dup2(in.read.get(), STDIN_FILENO);
      ::dup2(out.write.get(), STDOUT_FILENO);
      ::dup2(error.write.get(), STDERR_FILENO);
      ::close_range(3, ~0u, 0);
      if (::chdir(doors_.directory.c_str()) != 0) {
        return complain("cannot enter the directory " + doors_.directory);
      }
      ::execvp(words[0], words.data());
      complain(std::string("cannot run ") + words[0]);
    }));
    in_ = std::move(in.write);
    out_ = std::move(out.read);
    error_ = std::move(error.read);
    for (const int one : {in_.get(), out_.get(), error_.get()}) ::fcntl(one, F_SETFL, O_NONBLOCK);
    began_ = heard_ = steady_clock().now();
    return {};
  }

  /// Until it has ended, or has to be ended.
  std::optional<TaskError> attend() {
    for (;;) {
      std::array<pollfd, 4> waits = {{{process_.ended_descriptor(), POLLIN, 0},
                                      {out_.get(), POLLIN, 0},
                                      {error_.get(), POLLIN, 0},
                                      {in_.get(), POLLOUT, 0}}};
      if (written_ == line_.stdin_text.size()) in_ = UniqueFd();
      if (in_.get() < 0) waits[3].fd = -1;
      ::poll(waits.data(), waits.size(), patience());
      doors_.alive();
      if (waits[0].revents != 0) return std::nullopt;
      if (waits[1].revents != 0) take(&out_, &output_);
      if (waits[2].revents != 0) take(&error_, nullptr);
      if (waits[3].revents != 0) put();
      if (output_.size() > kOutputBytesMax) {
        return error_of("Data.Corrupt", "it printed more than 16 MiB");
      }
      if (auto late = overdue()) return late;
    }
  }

  int patience() const {
    Duration left = std::chrono::milliseconds(kAliveMs);
    const Instant now = steady_clock().now();
    if (call_.timeout.count() > 0) left = std::min(left, began_ + call_.timeout - now);
    if (call_.heartbeat.count() > 0) left = std::min(left, heard_ + call_.heartbeat - now);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1;
    return static_cast<int>(std::max<std::int64_t>(ms, 0));
  }

  std::optional<TaskError> overdue() const {
    const Instant now = steady_clock().now();
    if (call_.timeout.count() > 0 && now - began_ >= call_.timeout) {
      return error_of("Task.Timeout",
                      "it took longer than TimeoutSeconds, " + seconds_text(call_.timeout));
    }
    if (call_.heartbeat.count() > 0 && now - heard_ >= call_.heartbeat) {
      return error_of("Task.Stalled",
                      "it printed nothing for HeartbeatSeconds, " + seconds_text(call_.heartbeat));
    }
    return std::nullopt;
  }

  /// False: nothing more is there now.
  bool take(UniqueFd* from, std::string* into) {
    char buffer[64u << 10];
    const ssize_t got = ::read(from->get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
      *from = UniqueFd();
      return false;
    }
    heard_ = steady_clock().now();
    const std::string_view bytes(buffer, static_cast<std::size_t>(got));
    if (into != nullptr) {
      into->append(bytes);
      return true;
    }
    [[maybe_unused]] const ssize_t put = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    error_tail_.append(bytes);
    if (error_tail_.size() > kErrorTailBytes) {
      error_tail_.erase(0, error_tail_.size() - kErrorTailBytes);
    }
    return true;
  }

  void put() {
    const ssize_t put =
        ::write(in_.get(), line_.stdin_text.data() + written_, line_.stdin_text.size() - written_);
    if (put > 0) written_ += static_cast<std::size_t>(put);
    // A program need not read its input.
    if (put < 0 && errno != EAGAIN && errno != EINTR) in_ = UniqueFd();
  }

  /// What it has printed and nobody has read yet; somebody else may hold the pipes open.
  void drain() {
    while (out_.get() >= 0 && output_.size() <= kOutputBytesMax && take(&out_, &output_)) {
    }
    while (error_.get() >= 0 && take(&error_, nullptr)) {
    }
  }

  std::string last_error_line() const {
    std::string text = error_tail_;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    const std::size_t feed = text.rfind('\n');
    return feed == std::string::npos ? text : text.substr(feed + 1);
  }

  TaskError failure_of(const ProcessEnd& end) const {
    const std::string last = last_error_line();
    if (end.signalled) {
      return error_of("Task.Signal", end.text() + (last.empty() ? "" : ": " + last));
    }
    const Result<Json> named = items::parse_json(last);
    if (named.ok() && named->is_object() && named->value("Error", Json()).is_string()) {
      const Json cause = named->value("Cause", Json(""));
      return error_of((*named)["Error"].get<std::string>(),
                      cause.is_string() ? cause.get<std::string>() : items::text_of(cause));
    }
    return error_of("Task.Exit", end.text() + (last.empty() ? "" : ": " + last));
  }

  TaskResult output() {
    if (output_.size() > kOutputBytesMax) {
      return error_of("Data.Corrupt", "it printed more than 16 MiB");
    }
    if (line_.text_output) return Json(std::move(output_));
    if (output_.find_first_not_of(" \t\r\n") == std::string::npos) return Json();
    Result<Json> json = items::parse_json(output_);
    if (json.ok()) return *std::move(json);
    return error_of("Data.Corrupt", "what it printed cannot be used, " + json.status().message() +
                                        "; \"OutputType\": \"TEXT\" takes any text");
  }

  const TaskCall& call_;
  const CommandDoors& doors_;
  CommandLine line_;
  ChildProcess process_;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd error_;
  std::size_t written_ = 0;
  std::string output_;
  std::string error_tail_;
  Instant began_;
  Instant heard_;
};

}  // namespace

TaskResult run_command(const TaskCall& call, const CommandDoors& doors) {
  auto line = read_line(call.input);
  if (auto* wrong = std::get_if<TaskError>(&line)) return std::move(*wrong);
  return RunningCommand(call, doors, std::get<CommandLine>(std::move(line))).run();
}

}  // namespace fanfold::worker
