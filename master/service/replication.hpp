// Whether the replicas or hedges that a job asks for can be.

#pragma once

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

/// What is wrong whatever the workers: how many there will be nobody knows.
Status check_replicas(const proto::JobSpec& spec);

}  // namespace fanfold::master
