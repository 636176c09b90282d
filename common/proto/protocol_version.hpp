// Which version of the protocol this build speaks (docs/protocol.md).

#pragma once

#include <cstdint>

namespace fanfold::proto {

inline constexpr std::uint32_t kProtocolVersion = 7;
/// Peers that are one release behind speak this one, and are understood.
inline constexpr std::uint32_t kProtocolBefore = kProtocolVersion - 1;

}  // namespace fanfold::proto
