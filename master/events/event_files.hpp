// Event logs as files, DIRECTORY/job-N.jsonl, mode 0600.  Every append opens, writes and closes:
// appends are large and rare, and no descriptor is held for a job that does nothing.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "master/events/event_sink.hpp"

namespace fanfold::master {

struct EventFilesLimits {
  std::uint64_t bytes_total = 0;  // Of all logs; the oldest jobs that ended go first.
  std::size_t jobs = 0;           // The same, counted.
  /// Left free on the disk, for those who need it more.
  std::uint64_t disk_reserve = 0;
};

/// Where the log of a job is, if there is one.
std::string event_log_path(const std::string& directory, JobId job);

class EventFiles final : public EventSink {
 public:
  /// Makes the directory (mode 0700) when it is not there, and takes over the logs in it.
  static Result<std::unique_ptr<EventFiles>> open(std::string directory, EventFilesLimits limits);

  Status begin(JobId job) override;
  Status append(JobId job, std::string_view lines) override;
  void end(JobId job) override;
  Result<std::string> read(JobId job, std::uint64_t offset, std::size_t bytes_max) override;
  std::uint64_t size(JobId job) override;
  std::string capsule_directory(JobId job) const override;
  Result<std::string> read_capsule(JobId job, const std::string& name, std::uint64_t offset,
                                   std::size_t bytes_max) override;

  std::string path(JobId job) const;

 private:
  EventFiles(std::string directory, EventFilesLimits limits)
      : directory_(std::move(directory)), limits_(limits) {}
  void take_over();
  Status write(int descriptor, JobId job, std::string_view lines);
  std::uint64_t bytes_total() const;

  const std::string directory_;
  const EventFilesLimits limits_;
  void remove(JobId job);
  void measure_capsules(JobId job);

  std::map<JobId, std::uint64_t> sizes_;
  std::map<JobId, std::uint64_t> capsule_bytes_;  // Of jobs that ended.
  std::set<JobId> open_;                          // Appended to by this process, and not ended.
};

}  // namespace fanfold::master
