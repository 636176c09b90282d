// How people write and read a completion policy: "all", "min-successful=80%", "quorum=3".

#pragma once

#include <string>

#include "common/proto/types.hpp"

namespace fanfold::proto {

std::string text_of(const CompletionPolicy& policy);

/// "7.5%" of parts per million.
std::string percent_text(std::uint64_t per_million);

}  // namespace fanfold::proto
