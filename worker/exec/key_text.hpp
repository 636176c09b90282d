// The key that a reduce was at, for people.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "fanfold/abi.hpp"

namespace fanfold::worker {

/// So much of a key says which one it is.
inline constexpr std::size_t kKeyBytes = 256;

/// The encoded key at hand, cut to kKeyBytes + 1.  For the process that runs the task.
std::optional<std::string_view> current_key(const abi::ProgressSlot& progress);

/// `key_order` as in abi::JobInfo; `key` as it is encoded, cut to kKeyBytes + 1 at the shortest.
/// Strings in quotes, numbers as numbers, anything else as its encoded bytes; empty for no key.
std::string key_text(std::string_view key_order, std::optional<std::string_view> key);

/// The same of a key of `size` bytes of which only the beginning is there.
std::string key_text(std::string_view key_order, std::string_view beginning, std::uint64_t size);

}  // namespace fanfold::worker
