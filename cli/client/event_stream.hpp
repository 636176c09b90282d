// The event log of a job, read from its master part by part.

#pragma once

#include <functional>
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

/// kNotFound: no such job, or its log is not kept (any more).
Status read_events(Client& client, JobId job, const EventReader& reader);

}  // namespace fanfold::cli
