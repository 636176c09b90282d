// What a job may ask for: when it counts as done, and what is tried again.  Refuses what can never
// be met, before anything is started.

#pragma once

#include <cstddef>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

/// What is wrong whatever the input.
Status check_completion(const proto::JobSpec& spec);
Status check_retry(const proto::JobSpec& spec);
Status check_bad_records(const proto::JobSpec& spec);
Status check_control(const proto::JobControl& control);

/// The same once it is known how many map tasks there are, and how long that took.
Status check_completion(const proto::JobSpec& spec, std::size_t maps, Duration planning);

}  // namespace fanfold::master
