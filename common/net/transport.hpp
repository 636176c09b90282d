// Moves opaque frames between peers.  Knows nothing about what they mean.
//
// Delivery is at-most-once and per-peer ordered.  A frame may be lost silently when a peer dies;
// anything that must arrive is repeated by the layer above.  A Transport belongs to the thread that
// uses it; only wake() may be called from another.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/security/keys.hpp"

namespace fanfold::net {

struct PeerId {
  std::string value;  // Opaque; equal bytes mean the same live connection.
  auto operator<=>(const PeerId&) const = default;
};

/// Who has sent a frame, proved by a key.
struct Sender {
  /// Null: it came over a socket that asks for no key, because whoever can reach it may do all.
  std::shared_ptr<const security::KeyHolder> holder;
  std::string address;  // Of the host, where there is one.
};

struct Frame {
  PeerId peer;  // Of a connected (not bound) transport: always empty.
  std::string payload;
  Sender sender = {};  // Of a bound transport.
};

/// Connections that were refused for their key, and the latest of them.
struct Refusals {
  std::uint64_t count = 0;
  std::string address;
  std::string fingerprint;
};

/// Frames that will not arrive, as far as is known here.
struct Drops {
  std::uint64_t peer_gone = 0;   // Nobody is there (any more) to hear them.
  std::uint64_t queue_full = 0;  // The peer does not read.
};

class Transport {
 public:
  virtual ~Transport() = default;

  /// Never blocks.  kUnavailable: the peer is unknown or its queue is full, the frame is dropped.
  virtual Status send(const PeerId& peer, std::string payload) = 0;

  /// Waits until a frame arrives, `timeout` passes, wake() is called, one of the watched
  /// descriptors becomes readable or a signal is delivered.  nullopt: no frame.  Call again with
  /// timeout 0 until nullopt to empty the queue.
  virtual Result<std::optional<Frame>> receive(Duration timeout) = 0;

  /// Descriptors that end a receive() early when readable; the caller reads them himself.
  virtual void watch(std::span<const int> descriptors) = 0;

  /// Makes a receive() in progress return early.  The only thread-safe member.
  virtual void wake() = 0;

  /// Frames that arrived damaged and were dropped, as if lost on the way.
  virtual std::uint64_t damaged_frames() const { return 0; }

  /// Of those that were to be sent.
  virtual Drops drops() const { return {}; }

  /// Of a socket that asks for keys.
  virtual Refusals refusals() const { return {}; }
  /// Frames of peers whose key was revoked after they had connected; dropped unread.
  virtual std::uint64_t revoked_frames() const { return 0; }

  /// Of a connection: why nobody answers, in words for people, as far as the socket knows.
  virtual std::string trouble() const { return {}; }
};

// What protects a socket.  One of ipc is protected by the directory that it lies in; for TCP, the
// loopback included, somebody has to decide.

/// No TCP at all.
struct NoTcp {};
/// Of a socket that is bound: strangers are refused by CURVE before a frame of theirs is read, and
/// frames of those who may not speak any more are dropped unread.
struct Guarded {
  std::shared_ptr<const security::KeyPair> own;
  std::shared_ptr<security::Authority> authority;
};
/// Of one that connects: proves itself with its own key, and talks to the holder of `server` alone.
struct Proved {
  std::shared_ptr<const security::KeyPair> own;
  /// Nullopt: the address names the key, as in tcp://host:port#KEY.
  std::optional<security::PublicKey> server;
};
/// Nothing does: whoever reaches the loopback of this host may do everything.  For tests that
/// damage what is on the way, and for measuring what keys cost.
struct UnprotectedLoopback {};

using Protection = std::variant<NoTcp, Guarded, Proved, UnprotectedLoopback>;

struct SocketOptions {
  std::size_t frame_bytes_max = 4u << 20;
  Protection protection = NoTcp{};
  /// Frames in flight to one peer before further ones wait in its outbox (limits::kOutboxBytes).
  int queue_frames_max = 1000;
  /// How long the destructor may go on sending what send() has accepted: for a last answer.
  Duration linger{0};
};

/// Checks the address before anything is bound or connected: "ipc:///path" (at most 107 bytes) or
/// "tcp://host:port", the latter where `options` say how it is protected.  kInvalidArgument says
/// what is wrong with it and what to do.
Status check_address(const std::string& address, const SocketOptions& options);

/// Binds.  kAlreadyExists: the address is in use (an ipc socket that nobody listens to is
/// replaced). A tcp port of 0 is chosen by the system; `bound_address()` tells.  A guarded socket
/// is tried out first: when somebody with no key, or a key of nobody, gets in, there is none.
class BoundTransport : public Transport {
 public:
  virtual const std::string& bound_address() const = 0;
};
Result<std::unique_ptr<BoundTransport>> listen(const std::string& address,
                                               const SocketOptions& options);

/// Connects, and goes on trying in the background while the other side is away.  What is sent
/// before the connection stands waits for it.
Result<std::unique_ptr<Transport>> connect(const std::string& address,
                                           const SocketOptions& options);

/// Many outgoing connections behind one receive(): the side that asks many servers.
class ConnectingTransport : public Transport {
 public:
  /// The peer to send() to; frames from it carry the same id.  Ids are not reused.
  virtual Result<PeerId> connect_to(const std::string& address) = 0;
  /// Closes the connection; what was sent and has not left is dropped.
  virtual void disconnect(const PeerId& peer) = 0;
};
Result<std::unique_ptr<ConnectingTransport>> make_connecting_transport(
    const SocketOptions& options);

}  // namespace fanfold::net
