// What both kinds of transport do with a ZeroMQ socket.  Their options are chosen against the known
// traps: no ZMTP heartbeats (they abort the process when a queue is full), no routing ids of our
// own, every send DONTWAIT, every frame bounded.  For the .cpp files of this folder alone.

#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "common/core/clock.hpp"
#include "common/net/address.hpp"
#include "common/net/event_counter.hpp"
#include "common/net/transport.hpp"

namespace fanfold::net {

/// A ROUTER cannot say when one peer's full queue has room again, so it is tried this often.
inline constexpr Duration kRetryInterval = std::chrono::milliseconds(5);
/// Longer waits are cut into pieces, which keeps the arithmetic far from overflow.
inline constexpr Duration kWaitMax = std::chrono::hours(1);
/// Messages that nobody wants are thrown away so many at a time; then the owner looks around.
inline constexpr int kDroppedMax = 256;

Status error_status(int error, const std::string& what);
Status peer_is_gone();
int milliseconds_of(Duration duration);

/// Before bind or connect.
void set_common_options(zmq::socket_t& socket, const SocketOptions& options);
void set_tcp_options(zmq::socket_t& socket, const Address& address);
void set_server_key(zmq::socket_t& socket, const security::KeyPair& own);
void set_client_key(zmq::socket_t& socket, const security::KeyPair& own,
                    const security::PublicKey& server);

/// 0 when done, EAGAIN when the queue is full or empty, else what ZeroMQ says; EHOSTUNREACH: a
/// ROUTER does not know the peer.
int send_part(zmq::socket_t& socket, zmq::message_t message, zmq::send_flags flags);
int send_payload(zmq::socket_t& socket, std::string_view payload);
int receive_part(zmq::socket_t& socket, zmq::message_t* message);
/// The next message of exactly `parts.size()` parts; others do not come from our transports and
/// are thrown away.  False: none is there.
bool receive_message(zmq::socket_t& socket, std::span<zmq::message_t> parts);

/// One poll over sockets, the wake counter and watched descriptors.
class Poller {
 public:
  bool usable() const { return waker_.usable(); }
  void wake() { waker_.raise(); }
  void forget_wake() { waker_.lower(); }
  void watch(std::span<const int> descriptors) {
    watched_.assign(descriptors.begin(), descriptors.end());
  }

  enum class Outcome : std::uint8_t { kSocket, kInterrupted, kTimeout };
  /// `sockets` come in with their `events` set.
  Result<Outcome> wait(const std::vector<zmq_pollitem_t>& sockets, Duration timeout);

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

}  // namespace fanfold::net
