// Sockets that connect: a DEALER for each server.  What a full queue does not take waits in an
// outbox of ours, bounded in bytes.
//
// IMMEDIATE stays off although it would keep frames from waiting for a peer that is away: with it,
// libzmq 4.3 throws away frames that have arrived and were not yet read when the connection ends,
// the last answer of a server for instance.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/net/any_server.hpp"
#include "common/net/connection_monitor.hpp"
#include "common/net/outbox.hpp"
#include "common/net/sealed_frame.hpp"
#include "common/net/zmq_socket.hpp"

namespace fanfold::net {
namespace {

constexpr int kRetryMs = 100;
/// While connected, whether the server's key is still one of its keys is asked so often.
constexpr Duration kAskAgain = std::chrono::seconds(1);

class DealerTransport final : public ConnectingTransport {
 public:
  explicit DealerTransport(const SocketOptions& options) : options_(options) {}
  ~DealerTransport() override {
    for (auto& [peer, link] : links_) flush(link);
  }

  bool usable() const { return poller_.usable(); }

  Result<PeerId> connect_to(const std::string& address) override {
    PeerId peer{std::to_string(++last_peer_)};
    FANFOLD_RETURN_IF_ERROR(open(peer, address));
    return peer;
  }

  Status open(const PeerId& peer, const std::string& text) {
    FANFOLD_ASSIGN_OR_RETURN(const Address address, parse_address(text, options_));
    FANFOLD_ASSIGN_OR_RETURN(std::optional<Keys> keys, keys_for(address, text));
    std::optional<ServerGuess> guess;
    // Only where somebody asks for the reason.
    if (keys && peer == PeerId{}) {
      guess.emplace([server = keys->server] { return std::vector{server}; });
    }
    return open(peer, {address, std::move(keys), std::move(guess)});
  }

  /// Of a transport with one link.
  Status open_any(const std::string& text, ServerKeys servers) {
    FANFOLD_ASSIGN_OR_RETURN(const Address address, parse_address(text, options_));
    const auto* proved = std::get_if<Proved>(&options_.protection);
    if (address.scheme == Scheme::kIpc || address.key || proved == nullptr) {
      return open(PeerId{}, text);
    }
    ServerGuess guess(std::move(servers));
    const Keys keys{proved->own, guess.key()};
    return open(PeerId{}, {address, keys, std::move(guess)});
  }

  void disconnect(const PeerId& peer) override {
    const auto link = links_.find(peer);
    if (link == links_.end()) return;
    drops_.peer_gone += link->second.outbox.size();
    links_.erase(link);
  }

  Status send(const PeerId& peer, std::string payload) override {
    FANFOLD_RETURN_IF_ERROR(check_size(payload, options_.frame_bytes_max));
    const auto found = links_.find(peer);
    if (found == links_.end()) return peer_is_gone();
    Link& link = found->second;
    if (link.outbox.empty() && link.may_send) {
      const int error = send_payload(link.socket, payload);
      if (error == 0) return Status();
      if (error != EAGAIN) return error_status(error, "cannot send");
    }
    Status put = link.outbox.put(std::move(payload));
    if (!put.ok()) ++drops_.queue_full;
    return put;
  }

  Result<std::optional<Frame>> receive(Duration timeout) override {
    return receive_with(*this, poller_, timeout);
  }
  void watch(std::span<const int> descriptors) override { poller_.watch(descriptors); }
  void wake() override { poller_.wake(); }
  std::uint64_t damaged_frames() const override { return damaged_frames_; }
  Drops drops() const override { return drops_; }

  std::string trouble() const override {
    const auto link = links_.find(PeerId{});
    if (link == links_.end() || !link->second.monitor) return {};
    const ServerGuess& guess = *link->second.target.guess;
    if (guess.all_wrong()) return other_server(guess);
    if (link->second.monitor->look() != ConnectionMonitor::Seen::kKeyRefused) return {};
    return "it does not accept this key: it was revoked, has run out, or is of another "
           "cluster.\n'fanfold keys list' on the master's host shows the keys that it accepts";
  }

  void flush() {
    for (auto& [peer, link] : links_) {
      if (link.may_send) flush(link);
    }
  }

  /// Takes turns: a talkative peer does not silence those after it.
  std::optional<Frame> next_frame() {
    auto link = links_.upper_bound(last_served_);
    for (std::size_t tried = 0; tried < links_.size(); ++tried, ++link) {
      if (link == links_.end()) link = links_.begin();
      zmq::message_t part;
      for (; receive_message(link->second.socket, {&part, 1}); ++damaged_frames_) {
        auto payload = unseal(part.to_string_view());
        if (!payload) continue;
        last_served_ = link->first;
        return Frame{link->first, *std::move(payload), {}};
      }
      if (!link->second.monitor) continue;
      look_at_handshakes(link->second);
      if (link->second.may_send) flush(link->second);
    }
    return std::nullopt;
  }

  void fill_poll_items(std::vector<zmq_pollitem_t>* items) {
    for (auto& [peer, link] : links_) {
      const bool waits = link.may_send && !link.outbox.empty();
      const int events = ZMQ_POLLIN | (waits ? ZMQ_POLLOUT : 0);
      items->push_back({link.socket.handle(), 0, static_cast<short>(events), 0});
      if (link.monitor) items->push_back({link.monitor->handle(), 0, ZMQ_POLLIN, 0});
    }
  }
  Duration retry_interval() const {
    Duration left = kWaitMax;
    for (const auto& [peer, link] : links_) {
      if (link.pauses) left = std::min(left, link.due - steady_clock().now());
    }
    return std::max(left, Duration(0));
  }

 private:
  struct Keys {
    std::shared_ptr<const security::KeyPair> own;
    security::PublicKey server;
  };
  struct Target {
    Address address;
    std::optional<Keys> keys;
    std::optional<ServerGuess> guess;  // Of a link that is watched.
  };
  struct Link {
    Target target;
    zmq::socket_t socket;
    std::unique_ptr<ConnectionMonitor> monitor;  // Of the socket: it goes first.
    Outbox outbox;
    /// Of a link that is watched: the server has proved its key.  What is sent before waits in the
    /// outbox, where it stays when the socket is replaced.
    bool may_send = false;
    bool pauses = false;  // Until `due` nobody connects.
    Instant due = {};     // Also: when keys are asked for again.
  };

  static void flush(Link& link) {
    while (!link.outbox.empty() && send_payload(link.socket, link.outbox.front()) == 0) {
      link.outbox.pop();
    }
  }

  Status open(const PeerId& peer, Target target) {
    Link link{.target = std::move(target), .socket = {}, .monitor = nullptr, .outbox = {}};
    FANFOLD_RETURN_IF_ERROR(connect_socket(&link));
    links_.emplace(peer, std::move(link));
    return {};
  }

  /// In place of the socket that the link has, if it has one; an error leaves it as it is.
  Status connect_socket(Link* link) {
    const Address& address = link->target.address;
    try {
      zmq::socket_t socket(context_, zmq::socket_type::dealer);
      std::unique_ptr<ConnectionMonitor> monitor;
      set_common_options(socket, options_);
      const bool local = address.scheme == Scheme::kIpc;
      const std::optional<ServerGuess>& guess = link->target.guess;
      // A private cluster's master is there within milliseconds, and trying again costs nothing.
      socket.set(zmq::sockopt::reconnect_ivl, local ? 5 : kRetryMs);
      socket.set(zmq::sockopt::reconnect_ivl_max, local ? 20 : 5000);
      if (!local) set_tcp_options(socket, address);
      if (link->target.keys) {
        set_client_key(socket, *link->target.keys->own,
                       guess ? guess->key() : link->target.keys->server);
      }
      if (guess) monitor = std::make_unique<ConnectionMonitor>(context_, socket, ++monitors_);
      socket.connect(address.endpoint());
      link->monitor = std::move(monitor);
      link->socket = std::move(socket);
      link->may_send = link->monitor == nullptr;
      link->pauses = false;
    } catch (const zmq::error_t& error) {
      return error_status(error.num(), "cannot connect to " + address.endpoint());
    }
    return {};
  }

  void look_at_handshakes(Link& link) {
    using Seen = ConnectionMonitor::Seen;
    const Instant now = steady_clock().now();
    ServerGuess& guess = *link.target.guess;
    if (link.pauses) {
      if (now >= link.due) connect_anew(link, now);
      return;
    }
    const Seen seen = link.monitor->look();
    const bool wrong = link.monitor->take_other_servers() != 0;
    link.may_send = seen == Seen::kGreeted;
    if (seen == Seen::kGreeted || seen == Seen::kKeyRefused) {
      // Who refuses a key has read who we are: it is the server.
      guess.note_right();
      if (now < link.due) return;
      link.due = now + kAskAgain;
      if (guess.outdated()) connect_anew(link, now);
    } else if (wrong && guess.note_wrong()) {
      connect_anew(link, now);
    } else if (wrong) {
      pause(link, now + guess.retry_after());
    }
  }

  void connect_anew(Link& link, Instant now) {
    // Without a descriptor there is no socket to be had.
    if (!connect_socket(&link).ok()) pause(link, now + std::chrono::milliseconds(kRetryMs));
  }

  static void pause(Link& link, Instant until) {
    link.may_send = false;
    link.pauses = true;
    link.due = until;
    try {
      link.socket.disconnect(link.target.address.endpoint());
    } catch (const zmq::error_t&) {
      // It was disconnected before.
    }
  }

  static std::string other_server(const ServerGuess& guess) {
    std::string known;
    for (const security::PublicKey& key : guess.keys()) {
      known += (known.empty() ? "" : " or ") + security::fingerprint(key);
    }
    return "whoever listens there is not the master that this key is for, whose own key is " +
           known +
           ".\nThe address is another cluster's, or its master's key was rotated: 'fanfold keys "
           "list' on its host shows that. Take a new key file from there, or tell this one with "
           "'fanfold keys learn'";
  }

  /// Nullopt: none are needed there.
  Result<std::optional<Keys>> keys_for(const Address& address, const std::string& text) const {
    if (address.scheme == Scheme::kIpc) return std::optional<Keys>();
    if (std::holds_alternative<UnprotectedLoopback>(options_.protection)) {
      return std::optional<Keys>();
    }
    const auto* proved = std::get_if<Proved>(&options_.protection);
    const auto server = address.key || proved == nullptr ? address.key : proved->server;
    if (proved == nullptr || !server) {
      return Status(StatusCode::kInvalidArgument,
                    "cannot connect to " + text + ": nobody says whose key is expected there");
    }
    return std::optional(Keys{proved->own, *server});
  }

  const SocketOptions options_;
  zmq::context_t context_;
  Poller poller_;
  std::map<PeerId, Link> links_;  // After context_: sockets close first.
  std::uint64_t last_peer_ = 0;
  std::uint64_t monitors_ = 0;
  PeerId last_served_;
  std::uint64_t damaged_frames_ = 0;
  Drops drops_;
};

Result<std::unique_ptr<DealerTransport>> make_dealer(const SocketOptions& options) {
  try {
    auto transport = std::make_unique<DealerTransport>(options);
    if (!transport->usable()) return error_status(EMFILE, "cannot connect");
    return transport;
  } catch (const zmq::error_t& error) {
    return error_status(error.num(), "cannot connect");
  }
}

}  // namespace

Result<std::unique_ptr<Transport>> connect(const std::string& address,
                                           const SocketOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(auto transport, make_dealer(options));
  FANFOLD_RETURN_IF_ERROR(transport->open(PeerId{}, address));
  return std::unique_ptr<Transport>(std::move(transport));
}

Result<std::unique_ptr<Transport>> connect_to_any(const std::string& address,
                                                  const SocketOptions& options,
                                                  ServerKeys servers) {
  FANFOLD_ASSIGN_OR_RETURN(auto transport, make_dealer(options));
  FANFOLD_RETURN_IF_ERROR(transport->open_any(address, std::move(servers)));
  return std::unique_ptr<Transport>(std::move(transport));
}

Result<std::unique_ptr<ConnectingTransport>> make_connecting_transport(
    const SocketOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(auto transport, make_dealer(options));
  return std::unique_ptr<ConnectingTransport>(std::move(transport));
}

}  // namespace fanfold::net
