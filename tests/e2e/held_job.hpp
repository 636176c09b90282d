// A job on a standing cluster whose last task waits until the test lets it go, and what may happen
// to the cluster meanwhile.

#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {

class HeldJob {
 public:
  /// Submits the job "held" with the workspace's in.txt, which has a line "hold ...", and waits
  /// until somebody holds it.
  HeldJob(const Workspace& workspace, const Cluster& cluster, const std::vector<std::string>& more)
      : workspace_(workspace), cluster_(cluster) {
    workspace.write("hold", "");
    std::vector<std::string> words = {
        "submit",  faulty_plugin("held") + ":held", "in.txt", "-o", "out",
        "--param", "hold=" + workspace.path("hold")};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome submitted = cluster.run(words);
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    job_ = submitted.out.substr(0, submitted.out.find('\n'));
    EXPECT_TRUE(eventually([&] { return (holder_ = waiting_process()) != 0; }));
  }

  /// 0: nobody holds it.
  pid_t holder() const { return holder_; }
  /// Another process waits, after the first one was killed.
  bool is_held_again() const {
    return eventually([&] {
      const pid_t next = waiting_process();
      return next != 0 && next != holder_;
    });
  }
  std::string status() const { return cluster_.run({"status", job_, "--json"}).out; }
  void go_on_to_the_end() const {
    std::filesystem::remove(workspace_.path("hold"));
    const Outcome waited = cluster_.run({"wait", job_});
    EXPECT_EQ(waited.exit_code, 0) << waited.both();
  }

 private:
  pid_t waiting_process() const {
    for (const std::string& name : workspace_.list("")) {
      if (!name.starts_with("hold.")) continue;
      const pid_t pid = static_cast<pid_t>(std::stol(name.substr(5)));
      if (!command_line_of(pid).empty()) return pid;
    }
    return 0;
  }

  const Workspace& workspace_;
  const Cluster& cluster_;
  std::string job_;
  pid_t holder_ = 0;
};

}  // namespace fanfold::e2e
