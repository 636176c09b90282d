// The test that a guarded socket has to pass before it is used.  Sockets that guard themselves by
// options are open when one option is missing, and nothing says so.

#include <chrono>
#include <cstring>
#include <optional>

#include "common/core/clock.hpp"
#include "common/net/gate.hpp"
#include "common/net/key_pair.hpp"
#include "common/net/zmq_socket.hpp"

namespace fanfold::net {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 10s;

enum class Ending : std::uint8_t { kLetIn, kRefused, kUnknown };

/// The number of the next event that the monitor of a socket tells.
std::optional<std::uint16_t> next_event(zmq::socket_t& monitor) {
  zmq::message_t event;
  zmq::message_t address;
  if (!monitor.recv(event) || !event.more() || !monitor.recv(address)) return std::nullopt;
  std::uint16_t number = 0;
  if (event.size() < sizeof number) return std::nullopt;
  std::memcpy(&number, event.data(), sizeof number);
  return number;
}

Ending ending_of(zmq::socket_t& monitor) {
  const Instant deadline = steady_clock().now() + kPatience;
  for (;;) {
    const Duration left = deadline - steady_clock().now();
    if (left <= Duration(0)) return Ending::kUnknown;
    monitor.set(zmq::sockopt::rcvtimeo, std::max(1, milliseconds_of(left)));
    const auto event = next_event(monitor);
    if (!event) return Ending::kUnknown;
    if (*event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return Ending::kLetIn;
    if (*event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
        *event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
        *event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
      return Ending::kRefused;
    }
  }
}

Ending knock(const std::string& endpoint, const std::optional<security::PublicKey>& server) {
  zmq::context_t context;
  zmq::socket_t stranger(context, zmq::socket_type::dealer);
  stranger.set(zmq::sockopt::linger, 0);
  stranger.set(zmq::sockopt::ipv6, endpoint.find('[') != endpoint.npos ? 1 : 0);
  if (server) set_client_key(stranger, make_key_pair(), *server);
  constexpr const char* kMonitor = "inproc://events";
  if (zmq_socket_monitor(stranger.handle(), kMonitor, ZMQ_EVENT_ALL) != 0) return Ending::kUnknown;
  zmq::socket_t monitor(context, zmq::socket_type::pair);
  monitor.set(zmq::sockopt::linger, 0);
  monitor.connect(kMonitor);
  stranger.connect(endpoint);
  const Ending ending = ending_of(monitor);
  // First: a monitor whose reader is gone blocks the thread that feeds it.
  zmq_socket_monitor(stranger.handle(), nullptr, 0);
  return ending;
}

/// Where a socket that is bound to all interfaces can be reached from here.
std::string reachable(const std::string& endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  const std::string port = endpoint.substr(colon);
  if (endpoint.starts_with("tcp://0.0.0.0:")) return "tcp://127.0.0.1" + port;
  if (endpoint.starts_with("tcp://[::]:")) return "tcp://[::1]" + port;
  return endpoint;
}

}  // namespace

Status check_that_strangers_are_refused(const std::string& endpoint,
                                        const security::PublicKey& server) {
  try {
    const std::string place = reachable(endpoint);
    for (const auto& key : {std::optional(server), std::optional<security::PublicKey>()}) {
      const Ending ending = knock(place, key);
      if (ending == Ending::kRefused) continue;
      return {StatusCode::kIoError,
              "the self-test of " + endpoint + " failed: a connection with " +
                  (key ? "a key of nobody" : "no key") +
                  (ending == Ending::kLetIn ? " was let in" : " was neither let in nor refused") +
                  ", so this process does not start"};
    }
  } catch (const zmq::error_t& error) {
    return error_status(error.num(), "the self-test of " + endpoint + " failed");
  }
  return {};
}

}  // namespace fanfold::net
