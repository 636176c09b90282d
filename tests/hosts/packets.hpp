// IPv4 packets as a switch sees them: where they go, and what ends a connection.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace fanfold::hosts {

/// The last numbers of source and destination of a packet of 10.77.0.0/24; nullopt: of another net.
std::optional<std::pair<int, int>> ends_of(std::string_view packet);

struct TcpPacket {
  std::uint64_t connection = 0;  // The same for both directions.
  bool begins = false;           // It asks for a new one.
};
std::optional<TcpPacket> tcp_of(std::string_view packet);

/// Of a TCP packet: resets for its sender and its receiver, each of whom believes the other sent
/// it.  nullopt: it is none, or begins or ends a connection itself.
std::optional<std::pair<std::string, std::string>> resets_for(std::string_view packet);

}  // namespace fanfold::hosts
