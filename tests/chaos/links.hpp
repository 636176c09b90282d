// The network of a cluster under test: one relay on each worker's way to the master, one before
// each worker's data server, and one on the client's way to the master.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/chaos/relay.hpp"

namespace fanfold::chaos {

class Links {
 public:
  Links(std::size_t workers, std::uint64_t seed);

  void lead_to_master(const std::string& address);
  /// The data server of worker `number` says where it listens in its log.
  void lead_to_data_server(std::size_t number, const std::string& log);

  Relay& of_worker(std::size_t number) { return *relays_[2 * number]; }
  Relay& of_data_server(std::size_t number) { return *relays_[2 * number + 1]; }
  Relay& of_client() { return *relays_.back(); }
  /// All of them, in no order that matters.
  const std::vector<std::unique_ptr<Relay>>& all() const { return relays_; }

 private:
  std::vector<std::unique_ptr<Relay>> relays_;
};

/// What the last line of `log` that has " NAME=" says after it, up to a space; empty: none has.
std::string last_in_log(const std::string& log, const std::string& name);

/// Destroys the sockets of every connection from or to `port` on loopback, as an operator's
/// `ss -K` does: both ends see a reset.  False: this system does not allow it, or has no ss.
bool cut_sockets(std::uint16_t port);
std::uint16_t port_of(const std::string& address);

}  // namespace fanfold::chaos
