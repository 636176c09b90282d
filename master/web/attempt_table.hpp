// A page of a job's attempts, as a table asks for it: filtered, sorted, cut.

#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/history/job_history.hpp"

namespace fanfold::master::web {

enum class AttemptOrder : std::uint8_t { kTask, kStarted, kRan, kBytesIn, kRecordsIn, kMemory };

struct AttemptQuery {
  std::size_t from = 0;
  std::size_t count = 100;
  AttemptOrder order = AttemptOrder::kStarted;
  bool descending = false;
  std::optional<Stage> stage;
  std::optional<Outcome> outcome;
  std::string find;  // In the task's name, the worker's, the cause or the message; empty: all.
};

/// From the parameters of a request.  kInvalidArgument: which of them is wrong, and what is right.
Result<AttemptQuery> read_attempt_query(const std::map<std::string, std::string>& parameters);

/// Indexes of the attempts that it wants, all of them, in order.
std::vector<std::size_t> select_attempts(const JobHistory& history, const AttemptQuery& query);

/// {"total": of those that match, "from", "attempts": [...]}.
std::string attempts_json(const JobHistory& history, const AttemptQuery& query);

}  // namespace fanfold::master::web
