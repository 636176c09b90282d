// The ItemProcessor of a Map state: the states that each child goes through.

#pragma once

#include "cli/job/job_spec.hpp"
#include "common/core/status.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::cli {

/// StartAt and States, checked; what a Resource names is resolved.  Describes plugins: call it
/// before any thread exists.
Result<items::Json> parse_processor(const Surroundings& surroundings, const items::Json& json);

/// Of a command: without a slash it is looked for in PATH and stays, as workers look there too;
/// else it becomes absolute.  kInvalidArgument: it is no program.
Result<std::string> find_program(const Surroundings& surroundings, const std::string& word);

}  // namespace fanfold::cli
