// Sockets that connect: a DEALER for each server.  What a full queue does not take waits in an
// outbox of ours, bounded in bytes.
//
// IMMEDIATE stays off although it would keep frames from waiting for a peer that is away: with it,
// libzmq 4.3 throws away frames that have arrived and were not yet read when the connection ends,
// the last answer of a server for instance.

#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/net/connection_monitor.hpp"
#include "common/net/outbox.hpp"
#include "common/net/sealed_frame.hpp"
#include "common/net/zmq_socket.hpp"

namespace fanfold::net {
namespace {

class DealerTransport final : public ConnectingTransport {
 public:
  explicit DealerTransport(const SocketOptions& options) : options_(options) {}
  ~DealerTransport() override { flush(); }

  bool usable() const { return poller_.usable(); }

  Result<PeerId> connect_to(const std::string& address) override {
    PeerId peer{std::to_string(++last_peer_)};
    FANFOLD_RETURN_IF_ERROR(open(peer, address));
    return peer;
  }

  Status open(const PeerId& peer, const std::string& text) {
    FANFOLD_ASSIGN_OR_RETURN(const Address address, parse_address(text, options_));
    FANFOLD_ASSIGN_OR_RETURN(const std::optional<Keys> keys, keys_for(address, text));
    try {
      Link link{zmq::socket_t(context_, zmq::socket_type::dealer), {}, nullptr};
      zmq::socket_t& socket = link.socket;
      set_common_options(socket, options_);
      const bool local = address.scheme == Scheme::kIpc;
      // A private cluster's master is there within milliseconds, and trying again costs nothing.
      socket.set(zmq::sockopt::reconnect_ivl, local ? 5 : 100);
      socket.set(zmq::sockopt::reconnect_ivl_max, local ? 20 : 5000);
      if (!local) set_tcp_options(socket, address);
      if (keys) {
        set_client_key(socket, *keys->own, keys->server);
        // Only where somebody asks for the reason.
        if (peer == PeerId{}) link.monitor = std::make_unique<ConnectionMonitor>(context_, socket);
      }
      socket.connect(address.endpoint());
      links_.emplace(peer, std::move(link));
    } catch (const zmq::error_t& error) {
      return error_status(error.num(), "cannot connect to " + text);
    }
    return Status();
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
    if (link.outbox.empty()) {
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
    switch (link->second.monitor->look()) {
      case ConnectionMonitor::Seen::kKeyRefused:
        return "it does not accept this key: it was revoked, has run out, or is of another "
               "cluster.\n'fanfold keys list' on the master's host shows the keys that it accepts";
      case ConnectionMonitor::Seen::kOtherServer:
        return "whoever listens there is not the master that this key is for.\nThe address is "
               "another cluster's, or its master has a new key: take a key file from its directory";
      case ConnectionMonitor::Seen::kNothing:
      case ConnectionMonitor::Seen::kGreeted:
        break;
    }
    return {};
  }

  void flush() {
    for (auto& [peer, link] : links_) {
      while (!link.outbox.empty() && send_payload(link.socket, link.outbox.front()) == 0) {
        link.outbox.pop();
      }
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
      // Nothing else takes what it has heard.
      if (link->second.monitor) link->second.monitor->look();
    }
    return std::nullopt;
  }

  void fill_poll_items(std::vector<zmq_pollitem_t>* items) {
    for (auto& [peer, link] : links_) {
      const int events = ZMQ_POLLIN | (link.outbox.empty() ? 0 : ZMQ_POLLOUT);
      items->push_back({link.socket.handle(), 0, static_cast<short>(events), 0});
    }
  }
  Duration retry_interval() const { return kWaitMax; }

 private:
  struct Link {
    zmq::socket_t socket;
    Outbox outbox;
    std::unique_ptr<ConnectionMonitor> monitor;  // Of the socket: it goes first.
  };

  struct Keys {
    std::shared_ptr<const security::KeyPair> own;
    security::PublicKey server;
  };
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

Result<std::unique_ptr<ConnectingTransport>> make_connecting_transport(
    const SocketOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(auto transport, make_dealer(options));
  return std::unique_ptr<ConnectingTransport>(std::move(transport));
}

}  // namespace fanfold::net
