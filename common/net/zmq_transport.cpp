// The only file that includes ZeroMQ.  A bound transport is a ROUTER, a connection is a DEALER;
// their options are chosen against the known traps: no ZMTP heartbeats (they abort the process
// when a queue is full), no routing ids of our own, every send MANDATORY and DONTWAIT, every frame
// bounded.  Queues that are full spill into outboxes of ours, which are bounded in bytes.
//
// IMMEDIATE stays off although it would keep frames from waiting for a peer that is away: with it,
// libzmq 4.3 throws away frames that have arrived and were not yet read when the connection ends,
// the last answer of a server for instance.

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <vector>
#include <zmq.hpp>

#include "common/core/clock.hpp"
#include "common/net/address.hpp"
#include "common/net/event_counter.hpp"
#include "common/net/outbox.hpp"
#include "common/net/sealed_frame.hpp"
#include "common/net/transport.hpp"

namespace fanfold::net {
namespace {

using namespace std::chrono_literals;

/// A ROUTER cannot say when one peer's full queue has room again, so it is tried this often.
constexpr Duration kRetryInterval = 5ms;
/// Longer waits are cut into pieces, which keeps the arithmetic far from overflow.
constexpr Duration kWaitMax = 1h;

Status error_status(int error, const std::string& what) {
  const StatusCode code = error == EADDRINUSE                  ? StatusCode::kAlreadyExists
                          : error == EMFILE || error == ENFILE ? StatusCode::kUnavailable
                                                               : StatusCode::kIoError;
  return Status(code, what + ": " + zmq_strerror(error));
}

int milliseconds_of(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

/// Both kinds of socket, before bind or connect.
void set_common_options(zmq::socket_t& socket, const SocketOptions& options) {
  socket.set(zmq::sockopt::linger, milliseconds_of(options.linger));
  socket.set(zmq::sockopt::sndhwm, options.queue_frames_max);
  socket.set(zmq::sockopt::rcvhwm, options.queue_frames_max);
  socket.set(zmq::sockopt::maxmsgsize,
             static_cast<std::int64_t>(options.frame_bytes_max + kSealBytes));
  socket.set(zmq::sockopt::handshake_ivl, 5000);
}

void set_tcp_options(zmq::socket_t& socket, const Address& address) {
  socket.set(zmq::sockopt::ipv6, address.host.front() == '[' ? 1 : 0);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 10);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 5);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::tcp_maxrt, 15000);
}

/// 0 when done, EAGAIN when the queue is full or empty, else what ZeroMQ says.
template <class Call>
int uninterrupted(const Call& call) {
  for (;;) {
    try {
      return call() ? 0 : EAGAIN;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) return error.num();
    }
  }
}

/// EHOSTUNREACH: a ROUTER does not know the peer.
int send_part(zmq::socket_t& socket, zmq::message_t message, zmq::send_flags flags) {
  return uninterrupted([&] { return socket.send(message, flags | zmq::send_flags::dontwait); });
}

int send_payload(zmq::socket_t& socket, std::string_view payload) {
  zmq::message_t message(payload.size() + kSealBytes);
  seal(payload, static_cast<char*>(message.data()));
  return send_part(socket, std::move(message), zmq::send_flags::none);
}

int receive_part(zmq::socket_t& socket, zmq::message_t* message) {
  return uninterrupted([&] { return socket.recv(*message, zmq::recv_flags::dontwait); });
}

/// The next message of exactly `parts.size()` parts; others do not come from our transports and
/// are thrown away.  False: none is there.
bool receive_message(zmq::socket_t& socket, std::span<zmq::message_t> parts) {
  while (receive_part(socket, &parts[0]) == 0) {
    std::size_t count = 1;
    zmq::message_t surplus;
    bool more = parts[0].more();
    while (more) {
      zmq::message_t& part = count < parts.size() ? parts[count] : surplus;
      if (receive_part(socket, &part) != 0) return false;
      more = part.more();
      ++count;
    }
    if (count == parts.size()) return true;
  }
  return false;
}

Status peer_is_gone() { return Status(StatusCode::kUnavailable, "the peer is gone"); }

/// What ROUTER and DEALER share: one poll over sockets, the wake counter and watched descriptors.
class Poller {
 public:
  bool usable() const { return waker_.usable(); }
  void wake() { waker_.raise(); }
  void watch(std::span<const int> descriptors) {
    watched_.assign(descriptors.begin(), descriptors.end());
  }

  enum class Outcome : std::uint8_t { kSocket, kInterrupted, kTimeout };
  /// `sockets` come in with their `events` set.
  Result<Outcome> wait(const std::vector<zmq_pollitem_t>& sockets, Duration timeout) {
    items_.clear();
    items_.push_back({nullptr, waker_.descriptor(), ZMQ_POLLIN, 0});
    for (const int descriptor : watched_) items_.push_back({nullptr, descriptor, ZMQ_POLLIN, 0});
    const std::size_t own = items_.size();
    items_.insert(items_.end(), sockets.begin(), sockets.end());
    const int ready =
        zmq_poll(items_.data(), static_cast<int>(items_.size()), milliseconds_of(timeout));
    if (ready < 0 && zmq_errno() == EINTR) return Outcome::kInterrupted;
    if (ready < 0) return error_status(zmq_errno(), "cannot wait for messages");
    if (ready == 0) return Outcome::kTimeout;
    if (items_[0].revents != 0) waker_.lower();
    // The others first: their owner waits for this receive() to end, a frame just stays queued.
    for (std::size_t i = 0; i < own; ++i) {
      if (items_[i].revents != 0) return Outcome::kInterrupted;
    }
    return Outcome::kSocket;
  }

 private:
  EventCounter waker_;
  std::vector<int> watched_;
  std::vector<zmq_pollitem_t> items_;
};

/// Side needs: flush(), next_frame(), fill_poll_items(items), retry_interval().
template <class Side>
Result<std::optional<Frame>> receive_with(Side& side, Poller& poller, Duration timeout) {
  const Instant deadline = steady_clock().now() + std::clamp(timeout, Duration(0), kWaitMax);
  std::vector<zmq_pollitem_t> items;
  for (;;) {
    side.flush();
    if (std::optional<Frame> frame = side.next_frame()) return frame;
    if (timeout <= Duration(0)) return std::optional<Frame>();
    const Duration left = deadline - steady_clock().now();
    if (left <= Duration(0)) return std::optional<Frame>();
    items.clear();
    side.fill_poll_items(&items);
    FANFOLD_ASSIGN_OR_RETURN(const Poller::Outcome outcome,
                             poller.wait(items, std::min(left, side.retry_interval())));
    if (outcome != Poller::Outcome::kInterrupted) continue;
    return side.next_frame();
  }
}

class RouterTransport final : public BoundTransport {
 public:
  explicit RouterTransport(const SocketOptions& options)
      : options_(options), socket_(context_, zmq::socket_type::router) {
    set_common_options(socket_, options_);
    socket_.set(zmq::sockopt::router_mandatory, 1);
    socket_.set(zmq::sockopt::backlog, 4096);
  }
  ~RouterTransport() override {
    flush();
    // While it is ours: once the socket is closed, the path may be another process's.
    if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
  }

  Status bind(const Address& address, const std::string& text) {
    if (!poller_.usable()) return error_status(EMFILE, "cannot listen at " + text);
    std::string endpoint = text;
    if (address.scheme == Scheme::kTcp) {
      set_tcp_options(socket_, address);
      if (address.port == 0) endpoint = "tcp://" + address.host + ":*";
    } else {
      FANFOLD_RETURN_IF_ERROR(claim_socket_path(text, address.path));
    }
    try {
      socket_.bind(endpoint);
      bound_address_ = socket_.get(zmq::sockopt::last_endpoint);
      socket_path_ = address.path;
    } catch (const zmq::error_t& error) {
      return error_status(error.num(), "cannot listen at " + text);
    }
    return Status();
  }

  const std::string& bound_address() const override { return bound_address_; }

  Status send(const PeerId& peer, std::string payload) override {
    FANFOLD_RETURN_IF_ERROR(check_size(payload, options_.frame_bytes_max));
    const auto waiting = outboxes_.find(peer);
    if (waiting == outboxes_.end()) {
      const int error = send_now(peer, payload);
      if (error == 0) return Status();
      if (error == EHOSTUNREACH) return peer_is_gone();
      if (error != EAGAIN) return error_status(error, "cannot send");
    }
    return outboxes_[peer].put(std::move(payload));
  }

  Result<std::optional<Frame>> receive(Duration timeout) override {
    return receive_with(*this, poller_, timeout);
  }
  void watch(std::span<const int> descriptors) override { poller_.watch(descriptors); }
  void wake() override { poller_.wake(); }
  std::uint64_t damaged_frames() const override { return damaged_frames_; }

  void flush() {
    for (auto entry = outboxes_.begin(); entry != outboxes_.end();) {
      Outbox& outbox = entry->second;
      int error = 0;
      while (!outbox.empty() && (error = send_now(entry->first, outbox.front())) == 0) outbox.pop();
      // A peer that is gone takes its frames with it.
      const bool finished = outbox.empty() || error != EAGAIN;
      entry = finished ? outboxes_.erase(entry) : std::next(entry);
    }
  }

  std::optional<Frame> next_frame() {
    for (zmq::message_t parts[2]; receive_message(socket_, parts); ++damaged_frames_) {
      auto payload = unseal(parts[1].to_string_view());
      if (payload) return Frame{PeerId{parts[0].to_string()}, *std::move(payload)};
    }
    return std::nullopt;
  }

  void fill_poll_items(std::vector<zmq_pollitem_t>* items) {
    items->push_back({socket_.handle(), 0, ZMQ_POLLIN, 0});
  }
  Duration retry_interval() const { return outboxes_.empty() ? kWaitMax : kRetryInterval; }

 private:
  int send_now(const PeerId& peer, const std::string& payload) {
    const int error = send_part(socket_, zmq::message_t(peer.value), zmq::send_flags::sndmore);
    return error == 0 ? send_payload(socket_, payload) : error;
  }

  const SocketOptions options_;
  zmq::context_t context_;
  zmq::socket_t socket_;
  Poller poller_;
  std::string bound_address_;
  std::string socket_path_;  // Of an ipc address once it is bound.
  std::uint64_t damaged_frames_ = 0;
  std::map<PeerId, Outbox> outboxes_;  // Of peers whose queue was full; never an empty one.
};

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
    try {
      zmq::socket_t socket(context_, zmq::socket_type::dealer);
      set_common_options(socket, options_);
      const bool local = address.scheme == Scheme::kIpc;
      // A private cluster's master is there within milliseconds, and trying again costs nothing.
      socket.set(zmq::sockopt::reconnect_ivl, local ? 5 : 100);
      socket.set(zmq::sockopt::reconnect_ivl_max, local ? 20 : 5000);
      if (!local) set_tcp_options(socket, address);
      socket.connect(text);
      links_.emplace(peer, Link{std::move(socket), {}});
    } catch (const zmq::error_t& error) {
      return error_status(error.num(), "cannot connect to " + text);
    }
    return Status();
  }

  void disconnect(const PeerId& peer) override { links_.erase(peer); }

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
    return link.outbox.put(std::move(payload));
  }

  Result<std::optional<Frame>> receive(Duration timeout) override {
    return receive_with(*this, poller_, timeout);
  }
  void watch(std::span<const int> descriptors) override { poller_.watch(descriptors); }
  void wake() override { poller_.wake(); }
  std::uint64_t damaged_frames() const override { return damaged_frames_; }

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
        return Frame{link->first, *std::move(payload)};
      }
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
  };

  const SocketOptions options_;
  zmq::context_t context_;
  Poller poller_;
  std::map<PeerId, Link> links_;  // After context_: sockets close first.
  std::uint64_t last_peer_ = 0;
  PeerId last_served_;
  std::uint64_t damaged_frames_ = 0;
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

Result<std::unique_ptr<BoundTransport>> listen(const std::string& address,
                                               const SocketOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(const Address parsed, parse_address(address, options));
  try {
    auto transport = std::make_unique<RouterTransport>(options);
    FANFOLD_RETURN_IF_ERROR(transport->bind(parsed, address));
    return std::unique_ptr<BoundTransport>(std::move(transport));
  } catch (const zmq::error_t& error) {
    return error_status(error.num(), "cannot listen at " + address);
  }
}

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
