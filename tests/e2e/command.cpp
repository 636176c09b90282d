#include "tests/e2e/command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace fanfold::e2e {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> make_environment(const Workspace& workspace,
                                          const CommandOptions& options) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced = name.starts_with("FANFOLD_") || name == "TMPDIR" ||
                          name == "XDG_RUNTIME_DIR" ||
                          std::any_of(options.environment.begin(), options.environment.end(),
                                      [&](const auto& added) { return added.first == name; });
    if (!replaced) environment.emplace_back(text);
  }
  const auto given = [&](const char* wanted) {
    return std::any_of(options.environment.begin(), options.environment.end(),
                       [&](const auto& added) { return added.first == wanted; });
  };
  if (!given("TMPDIR")) environment.push_back("TMPDIR=" + workspace.temporary());
  environment.push_back("XDG_RUNTIME_DIR=" + workspace.path("run"));
  for (const auto& [name, value] : options.environment) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

void redirect(int descriptor, const std::string& path, int flags) {
  const int file = ::open(path.c_str(), flags, 0600);
  if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(126);
}

std::string unique_name() {
  static int counter = 0;
  return std::to_string(++counter);
}

}  // namespace

bool everybody_can_start(fs::path program) {
  for (; program.has_relative_path(); program = program.parent_path()) {
    if ((fs::status(program).permissions() & fs::perms::others_exec) == fs::perms::none)
      return false;
  }
  return true;
}

Running::Running(const Workspace& workspace, std::vector<std::string> arguments,
                 const CommandOptions& options) {
  const std::string name = workspace.path("run/" + unique_name());
  out_path_ = name + ".out";
  err_path_ = name + ".err";
  arguments.insert(arguments.begin(),
                   options.program.empty() ? std::string(FANFOLD_BIN) : options.program);
  std::vector<std::string> environment = make_environment(workspace, options);
  const std::vector<char*> words = pointers_to(arguments);
  const std::vector<char*> variables = pointers_to(environment);
  const std::string input = options.standard_input.empty() ? "/dev/null" : options.standard_input;
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ > 0) return;
  constexpr uid_t kNobody = 65534;
  if (options.as_nobody && ::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) {
    ::_exit(126);
  }
  // A process group of its own, as a shell would give it.
  ::setpgid(0, 0);
  redirect(0, input, O_RDONLY);
  redirect(1, out_path_, O_WRONLY | O_CREAT | O_TRUNC);
  redirect(2, err_path_, O_WRONLY | O_CREAT | O_TRUNC);
  if (::chdir(workspace.root().c_str()) != 0) ::_exit(126);
  ::execve(words[0], words.data(), variables.data());
  ::_exit(127);
}

Running::~Running() {
  if (ended_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, &wait_status_, 0);
}

void Running::signal(int number) const { ::kill(pid_, number); }

bool Running::ended() {
  if (!ended_ && ::waitpid(pid_, &wait_status_, WNOHANG) == pid_) ended_ = true;
  return ended_;
}

Outcome Running::wait() {
  Outcome outcome;
  if (!ended()) {
    const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    pollfd wait = {descriptor, POLLIN, 0};
    const bool in_time = ::poll(&wait, 1, 120'000) == 1;
    ::close(descriptor);
    if (!in_time) {
      ::kill(pid_, SIGKILL);
      outcome.err = "killed: it did not end within two minutes\n";
    }
    ::waitpid(pid_, &wait_status_, 0);
    ended_ = true;
    if (!in_time) {
      outcome.err += read_file(err_path_);
      return outcome;
    }
  }
  outcome.exit_code =
      WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : 128 + WTERMSIG(wait_status_);
  outcome.out = read_file(out_path_);
  outcome.err = read_file(err_path_);
  return outcome;
}

std::string Running::out_so_far() const { return read_file(out_path_); }

std::string Running::err_so_far() const { return read_file(err_path_); }

Outcome run(const Workspace& workspace, std::vector<std::string> arguments,
            const CommandOptions& options) {
  return Running(workspace, std::move(arguments), options).wait();
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + 60s;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    // A look in a millisecond leaves the processors to what is looked at.
    ::poll(nullptr, 0, 1);
  }
  return true;
}

std::string bundled_plugin(const std::string& name) {
  return std::string(FANFOLD_JOBS) + "/" + name + ".so";
}

std::string faulty_plugin(const std::string& name) {
  return std::string(FANFOLD_FAULTY) + "/" + name + ".so";
}

Cluster::Cluster(const Workspace& workspace, int workers, int slots) : workspace_(workspace) {
  const Outcome outcome =
      e2e::run(workspace, {"cluster", "up", "--dir", directory(), "--workers",
                           std::to_string(workers), "--slots", std::to_string(slots)});
  up_ = outcome.exit_code == 0;
  if (!up_) throw std::runtime_error("cluster up: " + outcome.both());
}

Cluster::~Cluster() {
  if (up_) down();
}

Outcome Cluster::down() {
  up_ = false;
  return e2e::run(workspace_, {"cluster", "down", "--dir", directory()});
}

CommandOptions Cluster::options() const {
  CommandOptions options;
  options.environment = {{"FANFOLD_MASTER", address()}};
  return options;
}

Outcome Cluster::run(std::vector<std::string> arguments) const {
  return e2e::run(workspace_, std::move(arguments), options());
}

bool Cluster::kill_worker_above(pid_t process) const {
  for (const pid_t worker : workers()) {
    const std::vector<pid_t> below = descendants_of(worker);
    if (std::find(below.begin(), below.end(), process) == below.end()) continue;
    return ::kill(worker, SIGKILL) == 0;
  }
  return false;
}

Outcome Cluster::kill_and_start_master() const {
  for (const pid_t pid : processes_naming(directory())) {
    if (command_line_of(pid).find("fanfold-master") == std::string::npos) continue;
    ::kill(pid, SIGKILL);
    if (!eventually([&] { return command_line_of(pid).empty(); })) {
      throw std::runtime_error("the master does not die");
    }
  }
  return e2e::run(workspace_, {"cluster", "up", "--dir", directory()});
}

std::vector<pid_t> Cluster::workers() const {
  const std::vector<pid_t> all = processes_naming(directory());
  std::vector<pid_t> workers;
  for (const pid_t pid : all) {
    if (command_line_of(pid).find("fanfold-worker") == std::string::npos) continue;
    // An executor or zygote has a worker above it.
    const bool is_inner = std::any_of(all.begin(), all.end(), [&](pid_t other) {
      const std::vector<pid_t> below = descendants_of(other);
      return std::find(below.begin(), below.end(), pid) != below.end();
    });
    if (!is_inner) workers.push_back(pid);
  }
  return workers;
}

}  // namespace fanfold::e2e
