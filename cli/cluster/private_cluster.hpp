// The cluster of one `run`: a master and workers as child processes in a private directory.
// Their life ends with this object, or with this process however it ends.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "cli/cluster/programs.hpp"
#include "cli/process/interrupts.hpp"
#include "common/core/status.hpp"
#include "common/core/time.hpp"

namespace fanfold::cli {

class PrivateCluster {
 public:
  /// `directory` is there; all processes hold the descriptor `guardian` to their end.
  PrivateCluster(std::string program_directory, std::string directory, ClusterShape shape,
                 int guardian);
  /// Kills what stop() has not ended.
  ~PrivateCluster();
  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;

  /// Its master shows pages at this port.  Before start().
  void serve_pages(std::uint16_t http_port) { options_.http_port = http_port; }

  /// Starts all programs at the same time and waits for none.
  Status start();

  /// Until the master listens.  kAborted at an interrupt.
  Status wait_until_ready(Interrupts& interrupts);

  /// Call it when a child may have ended: a worker is started again, a few times; the end of the
  /// master, or of one worker too many, is an error with the last lines of its log.
  Status check_children();

  /// Ends all processes and waits for them.  They get a few seconds to clean up, the master alone
  /// when `hard`; an interrupt ends that time.
  void stop(bool hard);

  /// The same without any time for anybody: for when all that is wanted is there, and what they
  /// might leave lies in the directory.
  void stop_at_once();

  std::string address() const { return master_address(directory_); }

 private:
  struct Child {
    std::string name;
    std::string log;
    std::uint32_t worker = 0;  // 0: the master.
  };
  Status start_worker(std::uint32_t number);
  Status ended(const Child& child, int wait_status);
  void end(bool hard, Duration grace);

  const std::string directory_;
  const ClusterShape shape_;
  ProgramOptions options_;
  int lifetime_ = -1;  // Our end of the pipe: closing it ends them all.
  int ready_ = -1;
  std::uint32_t restarts_ = 0;
  bool started_ = false;
  std::map<pid_t, Child> children_;
};

}  // namespace fanfold::cli
