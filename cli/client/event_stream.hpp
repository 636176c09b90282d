// The event log of a job, read from its master part by part.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "cli/client/client.hpp"

namespace fanfold::cli {

struct EventReader {
  /// Gets what comes, in order; an error ends the reading.
  std::function<Status(std::string_view bytes)> take;
  /// Called when there is no more for now, though the job goes on: waits a while and returns
  /// whether to go on.  None: what is there now is enough.
  std::function<bool()> wait;
};

/// kNotFound: the master is of another state than the one that was asked before, and the job with
/// this number another job.
Status check_same_master(Client& client, JobId job, const FollowHooks& hooks = {});

/// kNotFound: no such job, or its log is not kept (any more).
Status read_events(Client& client, JobId job, const EventReader& reader);

/// The bytes of the capsule that the attempt left when it failed.  kNotFound: it left none, or it
/// is not kept (any more).
Result<std::string> read_capsule(Client& client, const TaskId& task, std::uint32_t attempt_number);

}  // namespace fanfold::cli
