// What goes wrong between workers, for those who look on: written by the threads of the fetcher and
// of the data server, read by any.

#pragma once

#include <atomic>
#include <cstdint>

namespace fanfold::worker {

struct ShuffleFigures {
  using Count = std::atomic<std::uint64_t>;

  // Of the fetcher.
  Count segments_asked_again = 0;
  Count chunks_damaged = 0;
  Count servers_given_up = 0;
  // Of the data server.
  Count strangers_refused = 0;  // Connections.
  Count frames_revoked = 0;
  Count frames_damaged = 0;
  Count frames_dropped = 0;  // To fetchers that are gone or do not read.
};

}  // namespace fanfold::worker
