// Failures that maps count themselves, as those of item jobs do: what JobControl limits.

#pragma once

#include <cstdint>
#include <string_view>

namespace fanfold::proto {

/// What a map adds here are failures of its own counting; hosts keep it apart from its counters.
inline constexpr std::string_view kFailureCounter = "fanfold.failures";
/// Added there: beyond any limit.
inline constexpr std::int64_t kNeverTolerated = std::int64_t{1} << 62;

}  // namespace fanfold::proto
