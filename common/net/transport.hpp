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

#include "common/core/status.hpp"
#include "common/core/time.hpp"

namespace fanfold::net {

struct PeerId {
  std::string value;  // Opaque; equal bytes mean the same live connection.
  auto operator<=>(const PeerId&) const = default;
};

struct Frame {
  PeerId peer;  // Of a connected (not bound) transport: always empty.
  std::string payload;
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
};

struct SocketOptions {
  std::size_t frame_bytes_max = 4u << 20;
  /// TCP endpoints, loopback included, are refused until keys exist.  Tests alone set this.
  bool allow_unauthenticated_tcp = false;
  /// Frames in flight to one peer before further ones wait in its outbox (limits::kOutboxBytes).
  int queue_frames_max = 1000;
  /// How long the destructor may go on sending what send() has accepted: for a last answer.
  Duration linger{0};
};

/// Checks the address before anything is bound or connected: "ipc:///path" (at most 107 bytes) or
/// "tcp://host:port".  kInvalidArgument says what is wrong with it and what to do.
Status check_address(const std::string& address, const SocketOptions& options);

/// Binds.  kAlreadyExists: the address is in use (an ipc socket that nobody listens to is
/// replaced). A tcp port of 0 is chosen by the system; `bound_address()` tells.
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
