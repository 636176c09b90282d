// A running job as lines of text.  Pure: time and width are arguments, writing is somebody else's.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

struct ProgressStyle {
  std::size_t columns = 80;
  bool colour = false;
};

class Progress {
 public:
  /// Newer statuses replace older ones; their bytes give the speed.
  void update(Instant now, const proto::JobStatus& status);

  /// One line per stage with bar, tasks, speed and time left; one more when there were retries.
  /// No line is wider than style.columns.
  std::vector<std::string> bars(const ProgressStyle& style) const;

  /// For pipes: a line for each stage that has finished since the last call.
  std::vector<std::string> finished_stages();

 private:
  struct Speed {
    Instant sampled;
    std::uint64_t bytes = 0;
    double bytes_per_second = 0;
    bool reported = false;  // By finished_stages().
  };
  std::string bar(const proto::StageStatus& stage, const ProgressStyle& style) const;

  proto::JobStatus status_;
  std::map<Stage, Speed> speeds_;
};

/// "map: 27 tasks, 62.0 MiB in, 1,234,567 records in, 99,999 out, 0.90 s".
std::string stage_line(const proto::StageStatus& stage);

/// More of its tasks may come: the job is open, and these are its maps.
bool is_open(const proto::JobStatus& status, const proto::StageStatus& stage);
/// "12 tasks", or of an open job "12 tasks fed so far".
std::string tasks_text(const proto::JobStatus& status, const proto::StageStatus& stage);
/// Done, or over because the job is.
bool is_finished(const proto::JobStatus& status, const proto::StageStatus& stage);

}  // namespace fanfold::cli
