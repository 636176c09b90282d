// Hosts that are namespaces of this one, and the network between them: a switch in this process,
// which sees every packet and does to it what a bad network does.
//
// Each host has a network, a host name and a mount table of its own, so its disks can be its own,
// too. Its address is 10.77.0.NUMBER; nothing leads from there to anywhere else.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/core/unique_fd.hpp"
#include "tests/hosts/holder.hpp"

namespace fanfold::hosts {

/// What happens to packets on the way from one host to another.
struct Link {
  bool cut = false;                    // They vanish.
  double loss = 0;                     // So many of them vanish: 0 to 1.
  std::chrono::milliseconds delay{0};  // They come so much later.
  std::uint64_t bytes_per_second = 0;  // No faster than that; 0: any.  What is too much is lost.
};

class Network {
 public:
  Network();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// A host with a disk of its own (`disk_bytes` of memory, mounted at `disk` there).  It lives
  /// until remove_host().
  void add_host(int number, const std::string& disk, std::uint64_t disk_bytes);
  /// It dies with all of its processes, its disk and what was on the way to it.
  void remove_host(int number);

  static std::string address(int number) { return "10.77.0." + std::to_string(number); }
  /// Words that start a program on the host, before the program's own; its directory is
  /// `directory`.
  std::vector<std::string> enter(int number, const std::string& directory) const;

  void set(int from, int to, const Link& link);
  void set_all(const Link& link);
  /// Each connection that there is between two hosts is reset at its next packet.
  void reset_connections();
  /// So many were.
  std::uint64_t resets() const;

  std::uint64_t bytes(int from, int to) const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Way {
    Link link;
    Clock::time_point free{};  // When it can take the next byte.
    std::uint64_t waiting = 0;
    std::uint64_t bytes = 0;
  };
  struct Packet {
    int from = 0;
    int to = 0;
    std::string bytes;
  };
  void run(const std::stop_token& stop);
  void take(int from, std::string packet);
  /// Whether the packet ended its connection.
  bool reset(const std::string& packet, int from, int to);
  void deliver_due();
  int milliseconds_to_next() const;
  void write(int to, const std::string& packet) const;

  mutable std::mutex mutex_;
  std::map<int, HeldHost> hosts_;
  std::map<std::pair<int, int>, Way> ways_;
  Link usual_;
  std::multimap<Clock::time_point, Packet> on_the_way_;
  std::mt19937 random_{7};
  std::uint64_t generation_ = 1;  // Counts calls of reset_connections().
  std::uint64_t resets_ = 0;
  std::map<std::uint64_t, std::uint64_t> born_;  // Generation of each connection.
  UniqueFd wake_;
  std::jthread thread_;
};

}  // namespace fanfold::hosts
