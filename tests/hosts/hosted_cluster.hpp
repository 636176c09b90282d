// A cluster on hosts that are namespaces: the master and a client on host 1, a worker with a key
// and a disk of its own on each.  What is below the workspace is storage that all hosts share, but
// for their disks.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/command.hpp"
#include "tests/hosts/network.hpp"

namespace fanfold::hosts {

inline constexpr std::uint64_t kLargeDisk = 256u << 20;

class HostedCluster {
 public:
  enum class Timing : std::uint8_t {
    kQuick,  // Hosts are missed after three seconds: for tests.
    kUsual,  // As masters have it.
  };
  explicit HostedCluster(const e2e::Workspace& workspace, Timing timing = Timing::kQuick);
  ~HostedCluster();

  Network& network() { return network_; }
  /// What is mounted at `source` here is what a host (but for 1) has at `target` from its start on.
  void mount_on(int host, std::string source, std::string target);
  /// A host with a worker; returns when it has been welcomed.
  void add_worker(int host, std::uint64_t disk_bytes = kLargeDisk);
  /// The same without the wait.
  void start_worker(int host, std::uint64_t disk_bytes = kLargeDisk);
  void kill_host(int host);

  /// `fanfold` on host 1, with the key of a client.
  e2e::Outcome run(std::vector<std::string> words);
  std::unique_ptr<e2e::Running> start(std::vector<std::string> words);
  /// Any program there; a name without a slash is one of Fanfold's.
  std::unique_ptr<e2e::Running> on_host(int host, const std::string& program,
                                        std::vector<std::string> words);

  /// Names of workers that the master hears.
  std::vector<std::string> workers();
  bool knows(int host);
  std::string logs() const;
  std::string worker_log(int host) const;
  std::string master_log() const { return log_of("master.log"); }

 private:
  struct Mount {
    std::string source;
    std::string target;
  };
  void make_key(const std::string& name, const std::string& role) const;
  std::string key(const std::string& name) const;
  std::string log_of(const std::string& name) const;

  const e2e::Workspace& workspace_;
  const std::string disk_;
  Network network_;
  std::string address_;
  std::unique_ptr<e2e::Running> master_;
  std::map<int, std::unique_ptr<e2e::Running>> workers_;
  std::map<int, int> starts_;
  std::map<int, Mount> mounts_;
};

}  // namespace fanfold::hosts
