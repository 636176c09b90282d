// The pages of a master as HTML.  Whatever comes from users goes through common/report/html.hpp;
// nothing here has a style or a script of its own, so that the server may forbid both.
//
// An element with an id and `data-live` is what page.js replaces by its successor.

#pragma once

#include <cstdint>
#include <string>

#include "common/core/ids.hpp"
#include "common/report/stage_graph.hpp"
#include "master/web/job_views.hpp"
#include "master/web/snapshot.hpp"

namespace fanfold::master::web {

/// Workers, jobs that run, jobs that ended.
std::string overview_page(const Snapshot& snapshot);

/// `status` may be null: the master has forgotten the job, its event log has not.  It and
/// `neighbours` are of the time `unix_us`.
std::string job_page(JobId job, const proto::JobStatus* status, const JobLook& look,
                     const Neighbours& neighbours, std::int64_t unix_us);

/// One sentence on a page of its own.
std::string message_page(const std::string& title, const std::string& sentence);

}  // namespace fanfold::master::web
