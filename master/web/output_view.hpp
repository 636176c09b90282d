// What an attempt writes, piece by piece, as JSON for the page that follows it.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "master/web/questions.hpp"

namespace fanfold::master::web {

/// From the parameters `attempt` (its id) and `from` (a byte).  An attempt that wrote nothing, or
/// whose worker does not answer now, is no error: {"later": true}; one whose output is not kept any
/// more has "gone", and why.  kInvalidArgument: which parameter is wrong.
Result<std::string> output_json(Questions& questions, JobId job,
                                const std::map<std::string, std::string>& parameters);

}  // namespace fanfold::master::web
