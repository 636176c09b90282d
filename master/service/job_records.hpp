// Every job the master knows: those being planned, those that run, and the last that ended.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "master/service/job_record.hpp"

namespace fanfold::master {

class JobRecords {
 public:
  /// `remembered` ended jobs are kept; the oldest are forgotten.
  explicit JobRecords(std::size_t remembered) : remembered_(remembered) {}

  /// `unique` makes the staging directory unlike those of other masters.
  JobRecord& add(proto::JobSpec spec, std::string_view unique, Instant now);
  /// Of an earlier master.
  JobRecord& add_active(JobId job, proto::StoredJob stored);
  void add_ended(proto::StoredEnd end);
  /// A job id of an earlier master is never given again.
  void skip_id(JobId job);
  /// Its id was given, and it is neither being planned nor running.
  bool is_over(JobId job) const;

  /// Null when unknown.  Jobs being planned are found too.
  JobRecord* find(JobId job);
  /// Null when nobody may know of it yet.
  JobRecord* find_visible(JobId job);
  JobRecord* find_client(std::string_view client_id);
  /// The job that is about to write to `output`.
  JobRecord* find_writer(const std::string& output);

  /// Its plan failed: nobody was told its id.
  void forget(JobId job);
  void finish(JobRecord& record, proto::JobStatus final_status);

  /// Being planned or running.
  std::size_t unfinished() const { return writers_.size(); }
  std::size_t active() const;
  /// Ascending ids.
  std::vector<JobId> list(JobPhase phase) const;

 private:
  void remember(JobId job);
  void forget_client(JobId job);

  const std::size_t remembered_;
  std::uint64_t next_ = 1;
  std::map<JobId, JobRecord> records_;
  std::map<std::string, JobId, std::less<>> clients_;
  std::map<std::string, JobId> writers_;  // By output.
  std::deque<JobId> ended_;
};

/// `path` without slashes at its end, except for "/".
std::string without_trailing_slashes(std::string path);

}  // namespace fanfold::master
