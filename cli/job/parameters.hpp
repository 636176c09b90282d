// `--param name=value` against what the job declares: before anything is started.

#pragma once

#include <span>
#include <string>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::cli {

/// "string", "integer", "number" or "boolean".
const char* name_of(abi::ParameterType type);

/// The complete set: what was given, checked, and defaults for the rest.  kInvalidArgument names
/// the parameter: unknown (with a did-you-mean), given twice, missing, of the wrong type, or none
/// of the choices.
Result<proto::Parameters> complete_parameters(const abi::JobInfo& job,
                                              std::span<const std::string> given);

}  // namespace fanfold::cli
