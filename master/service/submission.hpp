// Decides whether a submitted job makes sense, before a single file is looked at.

#pragma once

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

/// kInvalidArgument or kExhausted: what is wrong with the job and what to do.
Status check_submission(const proto::JobSpec& spec);

/// Of a job some of whose input lies on hosts: it is read there alone.
Status check_reads_hosts(const proto::JobSpec& spec);

}  // namespace fanfold::master
