// A Retry of the States Language, from JSON.  Field names, defaults and refusals are the States
// Language's; what it does not know is refused with a did-you-mean, never ignored.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// An array of retriers, or one alone.
Result<std::vector<proto::Retrier>> parse_retry(std::string_view json);

/// The errors that an entry of Retry can name.
const std::vector<std::string>& known_errors();

}  // namespace fanfold::cli
