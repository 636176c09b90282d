// A cluster over TCP whose processes have keys: as on several hosts, all of them this one.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {

class KeyedCluster {
 public:
  /// A master with keys in `workspace`, and a client's key "alice" and an admin's key "root".
  /// `more` words are for the master.
  explicit KeyedCluster(const Workspace& workspace, const std::vector<std::string>& more = {});
  ~KeyedCluster();

  /// Starts a worker with a key of its own, "w1", "w2", ...; returns when it has been welcomed.  It
  /// reaches the master at `address`; empty: where the master listens.
  void add_worker(const std::string& address = "", const std::vector<std::string>& more = {});
  /// Ends the master in good order and starts another where it listened, with what it left.
  void restart_master();
  Running& worker(std::size_t number) { return *workers_.at(number - 1); }
  Running& master() { return *master_; }

  std::string address() const { return address_; }
  int port() const;
  std::string key_file(const std::string& name) const { return keys_ + "/" + name + ".key"; }
  std::string master_log() const;
  std::string audit_log() const;
  std::string worker_log(std::size_t number) const;

  Outcome keys(std::vector<std::string> arguments) const;
  /// Runs a command as the holder of that key.
  Outcome run_as(const std::string& name, std::vector<std::string> arguments) const;
  CommandOptions as(const std::string& name) const;

 private:
  void start_master(const std::string& listen);

  const Workspace& workspace_;
  const std::string keys_;
  const std::vector<std::string> more_;  // Words of the master.
  std::string address_;
  std::unique_ptr<Running> master_;
  std::vector<std::unique_ptr<Running>> workers_;
};

/// Of the resident memory of a process, in bytes.
std::size_t resident_bytes(pid_t pid);

}  // namespace fanfold::e2e
