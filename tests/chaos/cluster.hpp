// A master and workers as real processes, each of which can be killed, paused and started again by
// itself.  Everything they have lies below one directory, so what they leave behind can be found.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/daemon.hpp"
#include "tests/chaos/job_client.hpp"
#include "tests/chaos/links.hpp"
#include "tests/chaos/small_disk.hpp"
#include "tests/e2e/workspace.hpp"

namespace fanfold::chaos {

struct ClusterOptions {
  std::uint32_t workers = 8;
  std::uint32_t slots = 1;
  /// Small enough for spills and merges to happen.
  std::string executor_memory = "48M";
  /// Short, so that a lost worker is noticed within a test's patience.
  Duration worker_silence = std::chrono::milliseconds(2000);
  Duration heartbeat = std::chrono::milliseconds(200);
  /// tcp://127.0.0.1 in place of ipc sockets.
  bool tcp = false;
  /// TCP with a relay on every way that can be treated badly.
  bool relays = false;
  std::uint64_t relay_seed = 1;
  /// The scratch files of all workers lie on a disk of this size; 0: where the rest is.
  std::uint64_t scratch_bytes = 0;
};

class ChaosCluster {
 public:
  /// Starts everything and waits until all workers are welcome; throws std::runtime_error when that
  /// takes too long.
  ChaosCluster(const e2e::Workspace& workspace, const ClusterOptions& options, History& history);

  const ClusterOptions& options() const { return options_; }
  bool tcp() const { return options_.tcp || options_.relays; }
  JobClient& client() { return *client_; }
  const std::string& address() const { return address_; }
  Daemon& master() { return *master_; }
  Daemon& worker(std::size_t number) { return *workers_[number]; }
  std::size_t worker_count() const { return workers_.size(); }
  /// Executors of one worker that live now.
  std::vector<pid_t> executors(std::size_t number) const;
  /// Processes of the cluster, by name: "master", "worker-3".
  std::vector<std::pair<std::string, pid_t>> processes() const;
  const std::string& scratch() const { return scratch_; }
  /// Null: none was asked for.
  Links* links() { return links_.get(); }
  SmallDisk* small_disk() { return small_disk_.get(); }

  /// Starts what does not run and waits until every worker is welcome and was heard since; false
  /// after a minute.
  bool heal();
  /// Asks the master to stop, and waits for every process to end.  What is left, for people; empty:
  /// nothing.
  std::vector<std::string> stop();
  /// Moves logs and state to a directory that outlives the workspace; its path.
  std::string keep_logs(std::uint64_t number) const;

 private:
  void start_master();
  void add_worker(std::size_t number);

  const e2e::Workspace& workspace_;
  const ClusterOptions options_;
  const std::string directory_;
  const std::string scratch_;
  std::unique_ptr<SmallDisk> small_disk_;  // First: unmounted when nobody uses it any more.
  std::string address_;
  std::unique_ptr<Links> links_;
  std::unique_ptr<Daemon> master_;
  std::vector<std::unique_ptr<Daemon>> workers_;
  std::unique_ptr<JobClient> client_;
};

}  // namespace fanfold::chaos
