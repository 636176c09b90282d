// Jobs as their event logs tell of them, ready to be shown.
//
// Follows the logs that somebody looks at, a piece at each look, so that no look takes long: a log
// that nobody asked for costs nothing.  Thread-safe; never touches anything of the master but the
// files.  The jobs looked at last are kept, within a budget.

#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "common/core/ids.hpp"
#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "common/history/analysis.hpp"
#include "common/history/job_history.hpp"
#include "common/report/sections.hpp"

namespace fanfold::master::web {

/// Of one moment; never changes.  Any thread.
class JobView {
 public:
  explicit JobView(JobHistory of_now);

  const JobHistory history;
  const Analysis analysis;
  const JobSections sections;
  /// JSON for timeline.js, made when it is first wanted.
  const std::string& timeline() const;

 private:
  mutable std::once_flag timeline_made_;
  mutable std::string timeline_;
};

/// What a look gives: a view as soon as all of the log that there was has been read.
struct JobLook {
  std::shared_ptr<const JobView> view;  // Null: it is still being read, or nothing is in it yet.
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes = 0;  // Of the log.
};

struct JobViewLimits {
  /// Of a log, read in one look.
  std::size_t bytes_per_look = 2u << 20;
  /// Attempts of all jobs that are kept, but for the one that was looked at last.
  std::size_t attempts_kept = 100'000;
};

class JobViews {
 public:
  /// `directory` of the event logs; empty: none are kept.
  explicit JobViews(std::string directory, JobViewLimits limits = {});
  ~JobViews();

  /// kNotFound: there is no log of this job (any more), and why.
  Result<JobLook> look(JobId job);

 private:
  struct Followed;
  using Clock = std::chrono::steady_clock;

  Followed& find(JobId job) FANFOLD_REQUIRES(mutex_);
  void forget_surplus() FANFOLD_REQUIRES(mutex_);

  const std::string directory_;
  const JobViewLimits limits_;
  Mutex mutex_;
  std::list<Followed> followed_ FANFOLD_GUARDED_BY(mutex_);  // Looked at last: the first.
};

}  // namespace fanfold::master::web
