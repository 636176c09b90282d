#include "master/web/job_views.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "common/report/timeline.hpp"
#include "master/events/event_files.hpp"

namespace fanfold::master::web {
namespace {

/// A view of a job that goes on is made anew at most so often...
constexpr auto kFreshness = std::chrono::milliseconds(500);
/// ... and may take such a share of the time.
constexpr int kShare = 10;

}  // namespace

JobView::JobView(JobHistory of_now)
    : history(std::move(of_now)),
      analysis(analyse(history)),
      sections(job_sections(history, analysis)) {}

const std::string& JobView::timeline() const {
  std::call_once(timeline_made_, [this] { timeline_ = timeline_json(history); });
  return timeline_;
}

struct JobViews::Followed {
  JobId job;
  HistoryReader reader;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_shown = 0;
  bool begun = false;  // A whole line was read.
  std::shared_ptr<const JobView> view;
  Clock::time_point renewable;  // From when on the view may be made anew.

  /// Bytes of the log; nullopt when it is not there.
  std::optional<std::uint64_t> read_on(const std::string& path, std::size_t bytes_max);
  Status renew();
};

std::optional<std::uint64_t> JobViews::Followed::read_on(const std::string& path,
                                                         std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return std::nullopt;
  const auto bytes = static_cast<std::uint64_t>(file.tellg());
  if (bytes < bytes_read) {
    // Another master has begun anew in the same directory.
    const JobId same = job;
    *this = Followed();
    job = same;
  }
  std::string piece(std::min<std::uint64_t>(bytes - bytes_read, bytes_max), '\0');
  file.seekg(static_cast<std::streamoff>(bytes_read));
  file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
  piece.resize(static_cast<std::size_t>(file.gcount()));
  // What it refuses, it refuses again when it is asked for the history.
  static_cast<void>(reader.take(piece));
  bytes_read += piece.size();
  begun = begun || piece.find('\n') != piece.npos;
  return bytes;
}

Status JobViews::Followed::renew() {
  const Clock::time_point now = Clock::now();
  if (view && (bytes_shown == bytes_read || now < renewable)) return {};
  // Nothing follows after a job's end: of a large one, one copy is enough.
  FANFOLD_ASSIGN_OR_RETURN(JobHistory history, reader.over() ? reader.release() : reader.history());
  const bool over = history.state != "running";
  view = std::make_shared<const JobView>(std::move(history));
  bytes_shown = bytes_read;
  const auto took = Clock::now() - now;
  renewable =
      now + std::max<Clock::duration>(over ? Clock::duration(0) : kFreshness, took * kShare);
  return {};
}

JobViews::JobViews(std::string directory, JobViewLimits limits)
    : directory_(std::move(directory)), limits_(limits) {}

JobViews::~JobViews() = default;

JobViews::Followed& JobViews::find(JobId job) {
  const auto known = std::find_if(followed_.begin(), followed_.end(),
                                  [job](const Followed& one) { return one.job == job; });
  if (known == followed_.end()) {
    followed_.emplace_front().job = job;
  } else {
    followed_.splice(followed_.begin(), followed_, known);
  }
  return followed_.front();
}

void JobViews::forget_surplus() {
  std::size_t attempts = 0;
  for (auto one = followed_.begin(); one != followed_.end();) {
    const bool first = one == followed_.begin();
    if (one->view) attempts += one->view->history.attempts.size();
    one = first || attempts <= limits_.attempts_kept ? std::next(one) : followed_.erase(one);
  }
}

Result<JobLook> JobViews::look(JobId job) {
  if (directory_.empty()) {
    return Status(StatusCode::kNotFound,
                  "this master keeps no event logs: start it with --state DIR or --events DIR");
  }
  const MutexLock lock(mutex_);
  Followed& followed = find(job);
  const std::optional<std::uint64_t> bytes =
      followed.read_on(event_log_path(directory_, job), limits_.bytes_per_look);
  if (!bytes) {
    followed_.pop_front();
    return Status(StatusCode::kNotFound,
                  "there is no event log of job " + std::to_string(job.value) +
                      ": it was never accepted, or newer logs took its room");
  }
  JobLook look{.view = {}, .bytes_read = followed.bytes_read, .bytes = *bytes};
  if (!followed.view && (followed.bytes_read < *bytes || !followed.begun)) {
    forget_surplus();
    return look;
  }
  if (Status renewed = followed.renew(); !renewed.ok()) {
    followed_.pop_front();
    return renewed;
  }
  look.view = followed.view;
  forget_surplus();
  return look;
}

}  // namespace fanfold::master::web
