// A socket that is bound: a ROUTER, every send MANDATORY.  Queues that are full spill into outboxes
// of ours, which are bounded in bytes.
//
// Behind keys it looks at every frame: who has sent it was proved in the handshake, whether he may
// still speak is asked anew whenever the keys have changed.

#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "common/net/gate.hpp"
#include "common/net/outbox.hpp"
#include "common/net/sealed_frame.hpp"
#include "common/net/visitors.hpp"
#include "common/net/zmq_socket.hpp"

namespace fanfold::net {
namespace {

class RouterTransport final : public BoundTransport {
 public:
  /// `guard`: null for a socket that its place protects.
  RouterTransport(const SocketOptions& options, const Guarded* guard)
      : options_(options),
        gate_(guard == nullptr
                  ? nullptr
                  : std::make_unique<Gate>(context_, guard->authority, [this] { poller_.wake(); })),
        socket_(context_, zmq::socket_type::router) {
    set_common_options(socket_, options_);
    socket_.set(zmq::sockopt::router_mandatory, 1);
    socket_.set(zmq::sockopt::backlog, 4096);
    if (guard == nullptr) return;
    visitors_.emplace(guard->authority);
    set_server_key(socket_, *guard->own);
  }
  ~RouterTransport() override {
    flush();
    // While it is ours: once the socket is closed, the path may be another process's.
    if (!socket_path_.empty()) ::unlink(socket_path_.c_str());
  }

  Status bind(const Address& address, const std::string& text) {
    if (!poller_.usable()) return error_status(EMFILE, "cannot listen at " + text);
    std::string endpoint = address.endpoint();
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

  Status try_out(const security::PublicKey& own) {
    FANFOLD_RETURN_IF_ERROR(check_that_strangers_are_refused(bound_address_, own));
    gate_->forget_refusals();
    poller_.forget_wake();
    return Status();
  }

  const std::string& bound_address() const override { return bound_address_; }

  Status send(const PeerId& peer, std::string payload) override {
    FANFOLD_RETURN_IF_ERROR(check_size(payload, options_.frame_bytes_max));
    if (visitors_ && !visitors_->may_hear(peer)) return note_gone(1);
    const auto waiting = outboxes_.find(peer);
    if (waiting == outboxes_.end()) {
      const int error = send_now(peer, payload);
      if (error == 0) return Status();
      if (error == EHOSTUNREACH) return note_gone(1);
      if (error != EAGAIN) return error_status(error, "cannot send");
    }
    Status put = outboxes_[peer].put(std::move(payload));
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
  Refusals refusals() const override { return gate_ ? gate_->refusals() : Refusals(); }
  std::uint64_t revoked_frames() const override { return revoked_frames_; }

  void flush() {
    for (auto entry = outboxes_.begin(); entry != outboxes_.end();) {
      Outbox& outbox = entry->second;
      if (visitors_ && !visitors_->may_hear(entry->first)) {
        static_cast<void>(note_gone(outbox.size()));
        outbox.clear();
      }
      int error = 0;
      while (!outbox.empty() && (error = send_now(entry->first, outbox.front())) == 0) outbox.pop();
      // A peer that is gone takes its frames with it.
      const bool finished = outbox.empty() || error != EAGAIN;
      if (finished) static_cast<void>(note_gone(outbox.size()));
      entry = finished ? outboxes_.erase(entry) : std::next(entry);
    }
  }

  std::optional<Frame> next_frame() {
    // Whoever sends what nobody wants to hear must not keep the owner here.
    zmq::message_t parts[2];
    for (int dropped = 0; dropped < kDroppedMax && receive_message(socket_, parts); ++dropped) {
      Frame frame{PeerId{parts[0].to_string()}, {}, {}};
      if (visitors_ && !identify(parts[1], &frame)) continue;
      auto payload = unseal(parts[1].to_string_view());
      if (!payload) {
        ++damaged_frames_;
        continue;
      }
      frame.payload = *std::move(payload);
      return frame;
    }
    return std::nullopt;
  }

  void fill_poll_items(std::vector<zmq_pollitem_t>* items) {
    items->push_back({socket_.handle(), 0, ZMQ_POLLIN, 0});
  }
  Duration retry_interval() const { return outboxes_.empty() ? kWaitMax : kRetryInterval; }

 private:
  /// False: the sender may not speak any more.
  bool identify(zmq::message_t& part, Frame* frame) {
    // Attached when the connection was let in.  Of one that nobody was asked about there is none:
    // then the gate has failed, and nobody speaks.
    const char* user = zmq_msg_gets(part.handle(), "User-Id");
    const char* address = zmq_msg_gets(part.handle(), "Peer-Address");
    if (address != nullptr) frame->sender.address = address;
    if (user != nullptr) frame->sender.holder = visitors_->speaks(frame->peer, user);
    if (frame->sender.holder) return true;
    ++revoked_frames_;
    const auto waiting = outboxes_.find(frame->peer);
    if (waiting != outboxes_.end()) {
      static_cast<void>(note_gone(waiting->second.size()));
      outboxes_.erase(waiting);
    }
    return false;
  }

  Status note_gone(std::size_t frames) {
    drops_.peer_gone += frames;
    return peer_is_gone();
  }

  int send_now(const PeerId& peer, const std::string& payload) {
    const int error = send_part(socket_, zmq::message_t(peer.value), zmq::send_flags::sndmore);
    return error == 0 ? send_payload(socket_, payload) : error;
  }

  const SocketOptions options_;
  Poller poller_;
  zmq::context_t context_;
  std::unique_ptr<Gate> gate_;  // Before the socket: it is open when the first one knocks.
  zmq::socket_t socket_;
  std::optional<Visitors> visitors_;
  std::string bound_address_;
  std::string socket_path_;  // Of an ipc address once it is bound.
  std::uint64_t damaged_frames_ = 0;
  std::uint64_t revoked_frames_ = 0;
  Drops drops_;
  std::map<PeerId, Outbox> outboxes_;  // Of peers whose queue was full; never an empty one.
};

}  // namespace

Result<std::unique_ptr<BoundTransport>> listen(const std::string& address,
                                               const SocketOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(const Address parsed, parse_address(address, options));
  const bool tcp = parsed.scheme == Scheme::kTcp;
  const auto* guard = tcp ? std::get_if<Guarded>(&options.protection) : nullptr;
  if (tcp && guard == nullptr && !std::holds_alternative<UnprotectedLoopback>(options.protection)) {
    return Status(StatusCode::kInvalidArgument,
                  "cannot listen at " + address + ": nobody says whose keys are accepted there");
  }
  try {
    auto transport = std::make_unique<RouterTransport>(options, guard);
    FANFOLD_RETURN_IF_ERROR(transport->bind(parsed, address));
    if (guard != nullptr) {
      FANFOLD_RETURN_IF_ERROR(transport->try_out(guard->own->public_key));
    }
    return std::unique_ptr<BoundTransport>(std::move(transport));
  } catch (const zmq::error_t& error) {
    return error_status(error.num(), "cannot listen at " + address);
  }
}

}  // namespace fanfold::net
