// Workers of the version of the protocol before this one, and jobs that they could not do: they are
// never there together.  A cluster is rolled over master first, and does what is new when the last
// worker is of the new version.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"
#include "common/proto/versions.hpp"
#include "master/service/job_records.hpp"
#include "master/service/worker_directory.hpp"

namespace fanfold::master {

/// proto::unknown_to().
using WhatIsUnknown = std::function<std::string(std::uint32_t protocol, const proto::JobSpec&)>;

/// kUnavailable: a worker that is there does not know what the job needs.
Status check_workers_know(const WorkerDirectory& workers, const proto::JobSpec& spec,
                          const WhatIsUnknown& unknown_to = proto::unknown_to);

/// kUnavailable: a job that has not ended needs what a worker of this protocol does not know.
Status check_knows_jobs(std::uint32_t protocol, JobRecords& jobs,
                        const WhatIsUnknown& unknown_to = proto::unknown_to);

}  // namespace fanfold::master
