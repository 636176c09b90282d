// What became of the handshakes of a connection: for messages to people, and for whoever may try
// another key.
// For the .cpp files of this folder alone.

#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
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

  /// Before `socket` connects; it outlives the monitor.  `number`: no other of the context has it.
  ConnectionMonitor(zmq::context_t& context, zmq::socket_t& socket, std::uint64_t number)
      : watched_(socket.handle()), events_(context, zmq::socket_type::pair) {
    const std::string endpoint = "inproc://handshakes-" + std::to_string(number);
    events_.set(zmq::sockopt::linger, 0);
    // The thread that tells events waits while this is full.
    events_.set(zmq::sockopt::rcvhwm, 0);
    if (zmq_socket_monitor(watched_, endpoint.c_str(),
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                               ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED) !=
        0) {
      throw zmq::error_t();
    }
    events_.connect(endpoint);
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
      if (event == ZMQ_EVENT_DISCONNECTED) {
        // It follows what has failed, too.
        if (seen_ == Seen::kGreeted) seen_ = Seen::kNothing;
        continue;
      }
      seen_ = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED     ? Seen::kGreeted
              : event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ? Seen::kKeyRefused
                                                         : Seen::kOtherServer;
      if (seen_ == Seen::kOtherServer) ++other_servers_;
    }
    return seen_;
  }

  /// Handshakes that ended in kOtherServer since the last call, as far as look() has seen.
  std::uint64_t take_other_servers() { return std::exchange(other_servers_, 0); }

  /// Readable when there is something to look at.
  void* handle() { return events_.handle(); }

 private:
  void* const watched_;
  zmq::socket_t events_;
  Seen seen_ = Seen::kNothing;
  std::uint64_t other_servers_ = 0;
};

}  // namespace fanfold::net
