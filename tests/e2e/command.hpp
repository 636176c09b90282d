// Runs the built `fanfold` as a user's shell would, and looks at what it did.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/e2e/workspace.hpp"

namespace fanfold::e2e {

struct Outcome {
  int exit_code = -1;  // 128 + signal when it was killed.
  std::string out;
  std::string err;
  std::string both() const { return out + err; }
};

struct CommandOptions {
  std::string standard_input;                                    // File; empty: /dev/null.
  std::vector<std::pair<std::string, std::string>> environment;  // Added or replaced.
  std::string program;                                           // Empty: fanfold.
  bool as_nobody = false;  // When this is root: root may do everything.
};

/// A command that runs.  Its environment is that of the test without FANFOLD_*, with TMPDIR and
/// XDG_RUNTIME_DIR inside the workspace; its directory is the workspace.
class Running {
 public:
  Running(const Workspace& workspace, std::vector<std::string> arguments,
          const CommandOptions& options = {});
  /// Kills what was not waited for.
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool ended();
  /// Until it ends.  A command that needs longer than two minutes is killed: exit code -1.
  Outcome wait();
  std::string out_so_far() const;
  std::string err_so_far() const;

 private:
  std::string out_path_;
  std::string err_path_;
  pid_t pid_ = -1;
  int wait_status_ = 0;
  bool ended_ = false;
};

Outcome run(const Workspace& workspace, std::vector<std::string> arguments,
            const CommandOptions& options = {});

/// Asks again and again until `condition` holds; false when a minute has passed.
bool eventually(const std::function<bool()>& condition);

/// Whether all directories on the way to a program are open to other users.
bool everybody_can_start(std::filesystem::path program);

/// The path of a bundled job or of a faulty plugin of tests/plugins.
std::string bundled_plugin(const std::string& name);
std::string faulty_plugin(const std::string& name);

/// A cluster of `fanfold cluster up` in the workspace; taken down at the end.
class Cluster {
 public:
  Cluster(const Workspace& workspace, int workers, int slots);
  ~Cluster();
  std::string address() const { return "ipc://" + directory() + "/master.sock"; }
  std::string directory() const { return workspace_.path("c"); }
  bool up() const { return up_; }
  /// Runs a command with FANFOLD_MASTER set.
  Outcome run(std::vector<std::string> arguments) const;
  CommandOptions options() const;
  /// Processes of workers, without their executors.
  std::vector<pid_t> workers() const;
  /// With SIGKILL: the worker that this process is below; false: there is none.
  bool kill_worker_above(pid_t process) const;
  /// With SIGKILL, and starts another one.
  Outcome kill_and_start_master() const;
  Outcome down();

 private:
  const Workspace& workspace_;
  bool up_ = false;
};

}  // namespace fanfold::e2e
