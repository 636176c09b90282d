// What a frame looks like on the wire: the payload, and eight bytes by which a receiver knows that
// it is whole.  TCP's own checksum lets about one damaged segment in 65,000 pass.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::net {

/// XXH3-64 of the payload, little endian.  The same in every version of the protocol: a peer of
/// another version is understood well enough to be refused by name.
inline constexpr std::size_t kSealBytes = 8;

/// kExhausted when it is larger than the receiver would take.
Status check_size(std::string_view payload, std::size_t bytes_max);

/// Writes payload.size() + kSealBytes bytes.
void seal(std::string_view payload, char* frame);
/// nullopt: the frame is damaged, or was made by somebody else.
std::optional<std::string> unseal(std::string_view frame);

}  // namespace fanfold::net
