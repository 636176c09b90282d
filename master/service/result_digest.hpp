// What the results of two attempts of a task have in common when they are the same.

#pragma once

#include <cstdint>

#include "common/proto/types.hpp"

namespace fanfold::master {

/// Of what was handed over, what was written and what was counted as records and failures.  Not of
/// times, sizes of intermediate files, the job's own counters, nor of the texts of dead letters,
/// which name the attempt.
std::uint64_t result_digest(const proto::AttemptReport& report);

}  // namespace fanfold::master
