// What the pages show, as JSON for programs: docs/operating/dashboard.md lists it.

#pragma once

#include <string>

#include "master/web/job_views.hpp"
#include "master/web/snapshot.hpp"

namespace fanfold::master::web {

std::string cluster_json(const Snapshot& snapshot);

/// Jobs that have not ended and those that have, the newest first.
std::string jobs_json(const Snapshot& snapshot);

/// `status` or the view of `look` may be null.
std::string job_json(JobId job, const proto::JobStatus* status, const JobLook& look);

}  // namespace fanfold::master::web
