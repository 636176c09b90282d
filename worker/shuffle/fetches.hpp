// All fetches of one worker under way: what the thread of a Fetcher does, without the thread.  The
// owner reads frames from the transport, hands them in with the moment, and calls look_after() when
// next_deadline() has come.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/core/time.hpp"
#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "worker/shuffle/data_links.hpp"
#include "worker/shuffle/fetch_task.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::worker {

class Fetches {
 public:
  /// What is borrowed outlives it.
  Fetches(io::FileSystem& files, net::ConnectingTransport& transport, const FetcherOptions& options)
      : files_(files),
        links_(transport, options.patience),
        holders_talking_(options.holders_talking) {}

  void begin(Instant now, FetchRequest request);
  /// Of all its requests; each outcome says kCancelled, unless it ended before.
  void stop(AttemptId attempt);
  void read(Instant now, const net::Frame& frame);
  void look_after(Instant now);
  /// Without its sockets nothing can be fetched: look_after() says so for each request.
  void note_broken(Status why) { broken_ = std::move(why); }

  std::optional<Instant> next_deadline() const { return links_.next_deadline(); }
  const DataLinks::Trouble& trouble() const { return links_.trouble(); }
  /// What has ended, or turned out to be lost, since the last call.
  std::vector<FetchOutcome> take() { return std::exchange(outcomes_, {}); }

 private:
  void tell(const FetchId& id);

  io::FileSystem& files_;
  DataLinks links_;
  const std::uint32_t holders_talking_;
  std::map<FetchId, std::unique_ptr<FetchTask>> tasks_;
  std::vector<FetchOutcome> outcomes_;
  Status broken_;
};

}  // namespace fanfold::worker
