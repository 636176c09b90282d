// Answers the question that ZeroMQ asks about each CURVE handshake (ZAP, RFC 27): may the holder of
// this key come in?  A thread of its own, because the handshake waits for it.  For the .cpp files
// of this folder alone.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "common/core/mutex.hpp"
#include "common/net/transport.hpp"
#include "common/security/keys.hpp"

namespace fanfold::net {

class Gate {
 public:
  /// Open for questions when it returns: make it before the socket that it guards.  Ends with the
  /// context, which is shut down here.  `refused` is called by its thread after each refusal.
  Gate(zmq::context_t& context, std::shared_ptr<security::Authority> authority,
       std::function<void()> refused);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  Refusals refusals() const;
  void forget_refusals();

 private:
  void answer_questions(zmq::socket_t questions);
  void answer_one(zmq::socket_t& questions);
  void note_refusal(const std::string& address, const std::string& who);

  zmq::context_t& context_;
  const std::shared_ptr<security::Authority> authority_;
  const std::function<void()> refused_;
  mutable Mutex mutex_;
  Refusals refusals_ FANFOLD_GUARDED_BY(mutex_);
  std::jthread thread_;  // Last: joined before what it uses is gone.
};

/// Connects to a guarded endpoint as those must not who may not: with a key of nobody, and without
/// one.  An error says that one of them got in, or that it cannot be known: do not use the socket.
Status check_that_strangers_are_refused(const std::string& endpoint,
                                        const security::PublicKey& server);

}  // namespace fanfold::net
