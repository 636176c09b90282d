// The workers of a cluster of hosts: looked at, started, waited for and ended, all hosts at once.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "cli/hosts/host_record.hpp"
#include "cli/hosts/remote_shell.hpp"
#include "cli/process/interrupts.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct HostWorkersPlace {
  std::string directory;  // Of the cluster, here.
  std::string program_directory;
  std::string version;
  std::string master;  // Address.
};

class HostWorkers {
 public:
  HostWorkers(HostWorkersPlace place, const HostRecord& record);

  /// What is on each host.  The error names every host that is not reached, has no programs or
  /// those of another version.
  Status look(Interrupts& interrupts);
  /// Tells the hosts that look() has reached, and whose key files know other keys of the master
  /// than it has: running workers, too, find it by what their files say.  The error names every
  /// host that could not be told.
  Status tell_master(Interrupts& interrupts);
  /// Starts a worker where look() has seen none, with a new key where the old one is gone.
  Status start(Interrupts& interrupts);
  /// Until the master lists all of them; else the error has the end of the log of each that is
  /// missing.
  Status wait_until_welcomed(Interrupts& interrupts);
  /// Ends what start() has started; the hosts where that may not have been done.
  std::vector<Host> stop_started(Interrupts& interrupts);
  /// Ends all and removes what they had on their hosts; `left` is given those that were not
  /// reached.
  Status stop_all(Interrupts& interrupts, std::vector<Host>* left);
  /// The same for workers that may finish what they run; one that needs longer is among the `left`.
  Status let_go(Interrupts& interrupts, std::vector<Host>* left);

  std::uint32_t started() const;
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Worker {
    Host host;
    pid_t process = 0;  // There; 0: none.
    bool has_key = false;
    bool knows_master = false;  // All of its keys, and no others.
    bool started = false;
  };
  RemoteCall call(const Worker& worker, std::string_view script,
                  std::vector<std::string> arguments) const;
  Status end_all(std::string_view script, Interrupts& interrupts, std::vector<Host>* left) const;
  std::string program_of(const Host& host) const;
  Status read_probe(const std::string& output, std::int64_t before, Worker* worker);
  Result<RemoteCall> start_call(const Worker& worker) const;
  Result<std::vector<const Worker*>> missing() const;
  std::string ends_of_logs(const std::vector<const Worker*>& workers, Interrupts& interrupts) const;

  const HostWorkersPlace place_;
  const std::string cluster_;
  const RemoteShell shell_;
  std::vector<Worker> workers_;
  std::vector<std::string> notes_;
};

}  // namespace fanfold::cli
