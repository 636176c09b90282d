// The network between simulated processes: the Transport doors, with delay, loss, duplication,
// reordering, broken connections, partitions and clogs.
//
// As with ZeroMQ, a connection that breaks comes back by itself under another peer id, and what a
// client sent while nobody listened waits for whoever listens next.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/transport.hpp"
#include "sim/world/process.hpp"

namespace fanfold::sim {

struct NetworkOptions {
  Duration delay_min{};
  Duration delay_max{};
};

class Endpoint;
class BoundEndpoint;

class Network {
 public:
  Network(World& world, const NetworkOptions& options) : world_(world), options_(options) {}

  std::unique_ptr<net::BoundTransport> bind(Process& owner, const std::string& address);
  std::unique_ptr<net::Transport> connect(Process& owner, const std::string& address);
  std::unique_ptr<net::ConnectingTransport> connecting(Process& owner);

  /// All connections between the two break: what is in flight is lost.
  void reset(std::uint32_t a, std::uint32_t b);
  /// Nothing passes that way for so long.
  void block(std::uint32_t from, std::uint32_t to, Duration time);
  /// Everything between the two is late by up to so much, for so long.
  void clog(std::uint32_t a, std::uint32_t b, Duration late, Duration time);

  /// By whoever listens there, or did once.
  bool has_been_bound(const std::string& address) const { return owners_.contains(address); }

  std::uint64_t frames() const { return frames_; }

 private:
  friend class Endpoint;
  friend class BoundEndpoint;
  friend class ClientEndpoint;
  friend class ManyEndpoint;

  using LinkId = std::uint64_t;
  struct Link {
    Endpoint* client = nullptr;
    net::PeerId peer_of_client;  // As the client names the server.
    std::string address;
    std::uint64_t breaks = 0;    // Frames of an earlier connection never arrive.
    net::PeerId peer_of_server;  // As the server names the client; empty: not connected.
    BoundEndpoint* server = nullptr;
    std::vector<std::string> waiting;  // For somebody to listen.
    Instant last_up;                   // Arrival of the newest frame towards the server,
    Instant last_down;                 // and towards the client.
  };
  enum class Way : std::uint8_t { kUp, kDown };

  LinkId open(Endpoint& client, const std::string& address, net::PeerId peer_of_client);
  void close(LinkId link);
  void closed(BoundEndpoint& server);
  void listening(BoundEndpoint& server);
  void carry(LinkId id, Way way, std::string payload);
  void plan_arrival(LinkId id, Way way, std::string payload, Duration delay, bool in_order);
  void arrive(LinkId id, Way way, std::uint64_t breaks, std::string payload);
  void hand_to_server(LinkId id, Link& link, std::string payload);
  void break_link(Link& link);
  /// What `sender` says to a peer whose connection broke: only the witness hears it.
  void say_in_vain(Process& sender, const net::PeerId& peer, std::string_view payload);
  bool blocked(std::uint32_t from, std::uint32_t to) const;
  Duration delay_of(std::uint32_t from, std::uint32_t to, std::uint64_t ordinal) const;

  World& world_;
  const NetworkOptions options_;
  LinkId last_link_ = 0;
  std::uint64_t last_peer_ = 0;
  struct LostPeer {
    const Process* process = nullptr;
    std::uint64_t life = 0;
  };
  std::map<std::string, LostPeer> lost_peers_;  // By the names that servers gave them.
  std::map<LinkId, Link> links_;
  std::map<std::string, BoundEndpoint*> bound_;
  std::map<std::string, std::uint32_t> owners_;  // Of addresses, also when nobody listens.
  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  std::map<Pair, Instant> blocked_until_;
  struct Clog {
    Duration late{};
    Instant until;
  };
  std::map<Pair, Clog> clogs_;
  std::map<Pair, std::uint64_t> ordinals_;
  std::uint64_t frames_ = 0;
};

/// What the simulated transports have in common.
class Endpoint {
 public:
  Endpoint(Network& network, Process& owner) : network_(network), owner_(owner) {}
  virtual ~Endpoint() = default;
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  Process& owner() { return owner_; }
  void deliver(net::PeerId peer, std::string payload);
  std::optional<net::Frame> take();
  bool has_frames() const { return !inbox_.empty(); }

 protected:
  Network& network_;
  Process& owner_;
  std::deque<net::Frame> inbox_;
};

/// A process that has nothing to receive would wait: for how long, its first receive() of a turn
/// says.  nullopt: there was something.
class TurnWait {
 public:
  virtual ~TurnWait() = default;
  virtual void begin_turn() = 0;
  virtual std::optional<Duration> waited() const = 0;
};

}  // namespace fanfold::sim
