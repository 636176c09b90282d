// What an address means, and the unix socket file behind an ipc address.
// Knows nothing of ZeroMQ.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/core/status.hpp"
#include "common/net/transport.hpp"

namespace fanfold::net {

enum class Scheme : std::uint8_t { kIpc, kTcp };

struct Address {
  Scheme scheme = Scheme::kIpc;
  std::string path;  // kIpc.
  std::string host;  // kTcp; an IPv6 host keeps its brackets.
  std::uint16_t port = 0;
  std::optional<security::PublicKey> key;  // kTcp: of whoever listens there, when it is named.
  /// As ZeroMQ wants it: without the key.
  std::string endpoint() const;
};

/// check_address() and the parts in one go.
Result<Address> parse_address(const std::string& address, const SocketOptions& options);

/// "tcp://host:port" with the key of whoever listens there; an ipc address stays as it is.
std::string with_key(const std::string& address, const security::PublicKey& key);

/// The address of this host by which it reaches that of `address` (tcp, numeric or a name), as the
/// kernel would route it now; IPv6 in brackets.
Result<std::string> own_host_towards(const std::string& address);

/// Makes sure that a socket may be bound at the path of `address`: its directory exists and nobody
/// listens there.  A socket file that its owner left behind is removed; any other file is not.
Status claim_socket_path(const std::string& address, const std::string& path);

}  // namespace fanfold::net
