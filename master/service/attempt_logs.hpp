// What attempts wrote and how they ended, for `fanfold logs`.  Kept in memory within a bound; the
// oldest entries go first, because a failing job is asked about soon.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::master {

class AttemptLogs {
 public:
  struct Limits {
    std::size_t bytes_per_attempt = 0;
    std::size_t bytes_total = 0;
  };

  explicit AttemptLogs(Limits limits) : limits_(limits) {}

  /// Cuts the text to its last bytes_per_attempt bytes, at the start of a line.
  void add(proto::LogEntry entry);

  /// A commit that was refused, or an output that was lost, is told as such.
  void set_outcome(AttemptId attempt, const char* outcome);

  struct Query {
    JobId job;
    std::optional<TaskId> task;
    std::uint32_t attempt_number = 0;  // 0: all attempts.
  };
  /// By task, then by attempt.  When the answer would be larger than `bytes_max` the oldest entries
  /// are left out.
  std::vector<proto::LogEntry> find(const Query& query, std::size_t bytes_max) const;

  bool knows(AttemptId attempt) const { return jobs_.contains(attempt); }
  /// nullopt when it is not kept (any more).
  std::optional<proto::LogEntry> find(AttemptId attempt) const;

  std::size_t bytes() const { return bytes_; }

 private:
  /// Most attempts write nothing and do not fail, and there may be very many of them.
  struct Kept {
    TaskId task;
    std::uint32_t attempt_number = 0;
    std::string worker;
    std::string outcome;
    std::string text;
    std::unique_ptr<proto::FailureReport> failure;  // Null: it has not failed.
    std::uint64_t bytes = 0;
  };
  static std::size_t size_of(const Kept& kept);
  static proto::LogEntry entry_of(AttemptId attempt, const Kept& kept);
  void drop_oldest();

  const Limits limits_;
  std::size_t bytes_ = 0;
  std::deque<AttemptId> by_age_;
  std::map<JobId, std::map<AttemptId, Kept>> entries_;
  std::map<AttemptId, JobId> jobs_;
};

/// The last `bytes_max` bytes of `text`, from the start of a line where there is one.
std::string tail_of(std::string text, std::size_t bytes_max);

}  // namespace fanfold::master
