// Hosts that a real sshd makes of this one: each has a port, a name for ssh and a home of its own,
// whose bin/ comes first.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {

class SshHosts {
 public:
  /// "h1", "h2", ... up to `count`.
  SshHosts(const Workspace& workspace, int count);
  ~SshHosts();

  /// Takes the sshd away, and brings it back at the same ports.
  void go_away();
  void come_back();

  /// For `ssh -F`: knows the hosts, their keys, and ours.
  std::string config() const { return workspace_.path("ssh/config"); }
  std::string home(int number) const { return workspace_.path("home-" + std::to_string(number)); }

 private:
  void write_files() const;
  bool start();

  const Workspace& workspace_;
  std::vector<int> ports_;
  std::unique_ptr<Running> server_;
};

}  // namespace fanfold::e2e
