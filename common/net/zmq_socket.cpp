#include "common/net/zmq_socket.hpp"

#include <cerrno>
#include <chrono>

#include "common/net/sealed_frame.hpp"

namespace fanfold::net {
namespace {

/// Of an encrypted message: its name, a nonce, flags and the authenticator.
constexpr std::size_t kCurveBytes = 33;

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

zmq::const_buffer buffer_of(const std::array<std::uint8_t, security::kKeyBytes>& bytes) {
  return zmq::buffer(bytes);
}

}  // namespace

Status error_status(int error, const std::string& what) {
  const StatusCode code = error == EADDRINUSE                  ? StatusCode::kAlreadyExists
                          : error == EMFILE || error == ENFILE ? StatusCode::kUnavailable
                                                               : StatusCode::kIoError;
  return Status(code, what + ": " + zmq_strerror(error));
}

Status peer_is_gone() { return Status(StatusCode::kUnavailable, "the peer is gone"); }

int milliseconds_of(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

void set_common_options(zmq::socket_t& socket, const SocketOptions& options) {
  socket.set(zmq::sockopt::linger, milliseconds_of(options.linger));
  socket.set(zmq::sockopt::sndhwm, options.queue_frames_max);
  socket.set(zmq::sockopt::rcvhwm, options.queue_frames_max);
  // Also of what a stranger may send before the handshake is over.
  socket.set(zmq::sockopt::maxmsgsize,
             static_cast<std::int64_t>(options.frame_bytes_max + kSealBytes + kCurveBytes));
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

void set_server_key(zmq::socket_t& socket, const security::KeyPair& own) {
  socket.set(zmq::sockopt::curve_server, 1);
  socket.set(zmq::sockopt::curve_secretkey, buffer_of(own.secret.bytes));
  socket.set(zmq::sockopt::zap_domain, "fanfold");
  // Without it, libzmq lets everybody in whenever nobody answers its questions.  Its name is in the
  // headers of builds with drafts alone, the option in all.
  constexpr int kEnforceDomain = 93;
  constexpr int kOn = 1;
  if (zmq_setsockopt(socket.handle(), kEnforceDomain, &kOn, sizeof kOn) != 0) throw zmq::error_t();
}

void set_client_key(zmq::socket_t& socket, const security::KeyPair& own,
                    const security::PublicKey& server) {
  socket.set(zmq::sockopt::curve_publickey, buffer_of(own.public_key.bytes));
  socket.set(zmq::sockopt::curve_secretkey, buffer_of(own.secret.bytes));
  socket.set(zmq::sockopt::curve_serverkey, buffer_of(server.bytes));
}

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

bool receive_message(zmq::socket_t& socket, std::span<zmq::message_t> parts) {
  for (int dropped = 0; dropped < kDroppedMax && receive_part(socket, &parts[0]) == 0; ++dropped) {
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

Result<Poller::Outcome> Poller::wait(const std::vector<zmq_pollitem_t>& sockets, Duration timeout) {
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

}  // namespace fanfold::net
