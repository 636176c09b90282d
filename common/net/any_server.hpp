// Connections to a server that may have one of several keys: the master, while its key is rotated.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/net/transport.hpp"
#include "common/security/keys.hpp"

namespace fanfold::net {

/// The keys that the server may have, the likeliest first; never none.
using ServerKeys = std::function<std::vector<security::PublicKey>()>;

/// Like connect(), for TCP with keys: a server that does not have the first key is tried with the
/// next, in the background, and `servers` is asked again each time: the answer may have changed. It
/// is asked while connected, too, and a server whose key is not in the answer any more is left.
/// trouble() speaks when none of the keys is the server's.  An address that names a key is tried
/// with that one alone.
Result<std::unique_ptr<Transport>> connect_to_any(const std::string& address,
                                                  const SocketOptions& options, ServerKeys servers);

/// Which key to try now.
class ServerGuess {
 public:
  explicit ServerGuess(ServerKeys servers);

  const security::PublicKey& key() const { return key_; }
  /// A handshake showed that the server has another key.  True: key() is one to be tried at once;
  /// false: all were, and key() is the first to be tried after retry_after().
  bool note_wrong();
  void note_right() { wrong_ = rounds_ = 0; }
  /// The server has the key, but it is not one of its keys any more; key() is another one now.
  bool outdated();
  /// None of the keys was the server's when it was tried last.
  bool all_wrong() const { return wrong_ >= keys_.size(); }
  /// Grows with each round through all keys, from 100 ms to 5 s: many who are refused by a master
  /// must not keep it busy.
  Duration retry_after() const;
  const std::vector<security::PublicKey>& keys() const { return keys_; }

 private:
  ServerKeys servers_;
  std::vector<security::PublicKey> keys_;
  security::PublicKey key_;
  std::size_t wrong_ = 0;   // In a row.
  std::size_t rounds_ = 0;  // Of them, through all keys.
};

}  // namespace fanfold::net
