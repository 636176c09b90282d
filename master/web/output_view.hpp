// What an attempt writes, piece by piece, as JSON for the page that follows it.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "master/web/questions.hpp"

namespace fanfold::master::web {

/// A worker that is there answers in a few milliseconds, and other pages wait for the thread.
constexpr std::chrono::milliseconds kOutputPatience(200);

/// From the parameters `attempt` (its id) and `from` (a byte).  An attempt that wrote nothing, or
/// whose worker does not answer now, is no error: {"later": true}; one whose output is not kept any
/// more has "gone", and why.  kInvalidArgument: which parameter is wrong.
Result<std::string> output_json(Questions& questions, JobId job,
                                const std::map<std::string, std::string>& parameters,
                                std::chrono::milliseconds patience = kOutputPatience);

}  // namespace fanfold::master::web
