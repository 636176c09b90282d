// A plugin's table as bytes: what the child of describe_plugin() sends to its parent.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::worker {

std::string encode_description(const abi::Plugin& plugin);
/// For a plugin that does not load: decode_description() gives the status back.
std::string encode_refusal(const Status& status);

/// Total: the sender ran foreign code.  kCorruption when the bytes make no sense.
Result<abi::Plugin> decode_description(std::string_view bytes);

}  // namespace fanfold::worker
