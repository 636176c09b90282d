// What became of the handshakes of a connection, for messages to people: nothing is decided by it.
// For the .cpp files of this folder alone.

#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <zmq.hpp>

#include "common/net/zmq_socket.hpp"

namespace fanfold::net {

class ConnectionMonitor {
 public:
  enum class Seen : std::uint8_t {
    kNothing,
    kGreeted,      // Both sides have proved what they had to.
    kKeyRefused,   // The other side does not accept our key.
    kOtherServer,  // The other side could not read what was meant for the holder of another key.
  };

  /// Before `socket` connects; it outlives the monitor.
  ConnectionMonitor(zmq::context_t& context, zmq::socket_t& socket)
      : watched_(socket.handle()), events_(context, zmq::socket_type::pair) {
    constexpr const char* kEndpoint = "inproc://handshakes";
    events_.set(zmq::sockopt::linger, 0);
    // The thread that tells events waits while this is full.
    events_.set(zmq::sockopt::rcvhwm, 0);
    if (zmq_socket_monitor(watched_, kEndpoint,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) == 0) {
      events_.connect(kEndpoint);
    }
  }
  // First the telling ends, then the listening.
  ~ConnectionMonitor() { zmq_socket_monitor(watched_, nullptr, 0); }
  ConnectionMonitor(const ConnectionMonitor&) = delete;
  ConnectionMonitor& operator=(const ConnectionMonitor&) = delete;

  Seen look() {
    for (zmq::message_t parts[2]; receive_message(events_, parts);) {
      std::uint16_t event = 0;
      if (parts[0].size() < sizeof event) continue;
      std::memcpy(&event, parts[0].data(), sizeof event);
      seen_ = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED     ? Seen::kGreeted
              : event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ? Seen::kKeyRefused
                                                         : Seen::kOtherServer;
    }
    return seen_;
  }

 private:
  void* const watched_;
  zmq::socket_t events_;
  Seen seen_ = Seen::kNothing;
};

}  // namespace fanfold::net
