// Brings map outputs of other workers to this host: one thread, one connection for each data
// server, credits in bytes for each task.  Everything that was fetched for a task from one holder
// lies in one file, or all of it, so that small segments do not cost a file each.
//
// What cannot be had is reported as soon as that is known, not retried for ever: the master decides
// what to compute again.  Everything else goes on meanwhile.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "common/proto/types.hpp"
#include "worker/exec/run_task.hpp"
#include "worker/shuffle/shuffle_figures.hpp"

namespace fanfold::worker {

struct FetchRequest {
  AttemptId attempt;        // Of the reduce task that needs them.
  std::uint32_t round = 0;  // Another one for each request of an attempt.
  JobId job;
  std::uint32_t partition = 0;
  std::shared_ptr<const std::vector<proto::Holder>> holders;
  std::vector<proto::MapOutput> outputs;  // To be fetched; `holder` is an index into *holders.
  std::string directory;                  // Of the attempt; made when it is not there.
  // In it, where everything goes, in no order.  Empty: to a file for each holder.
  std::string file = {};
  // Segments that are larger, or would make all of them so, are left where they are.  0: none are.
  std::uint64_t segment_bytes_max = 0;
  std::uint64_t bytes_max = 0;
};

/// What has become of a request, so far or in the end.
struct FetchOutcome {
  AttemptId attempt;
  std::uint32_t round = 0;
  /// Outputs that cannot be had and were not named before, and why the first of them cannot.
  std::vector<proto::MapOutput> lost;
  std::string why_lost;

  bool ended = false;  // False: only the above is set.
  /// Everything that is not lost is here.
  bool succeeded = false;
  /// In the order of FetchRequest::outputs, without those that are lost, left or empty.
  std::vector<LocalSegment> segments;
  std::vector<proto::MapOutput> left;  // As the request has it.
  /// kNoSpace or kIo; kCancelled after cancel().
  proto::FailureReport failure;
};

struct FetcherOptions {
  /// A data server that says nothing for so long, while we ask again and again, is given up.  With
  /// the way to the master and from there to a worker that makes it again it stays below 10 s.
  Duration patience = std::chrono::seconds(8);
  /// Data servers that one request talks to at a time, beside those that are quiet.  When the last
  /// map ends all reduces begin: each of thousands would connect to each of thousands at once.
  std::uint32_t holders_talking = 8;
  net::Protection protection = net::NoTcp{};
  std::shared_ptr<ShuffleFigures> figures = {};  // Null: nobody looks on.
};

/// May be called by one thread, which is not the one that works.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  /// Exactly one outcome follows that has ended.  kExhausted: too many requests have none yet.
  virtual Status fetch(FetchRequest request) = 0;
  /// Of all its requests.  The outcome follows soon; after it nothing is written to the request's
  /// directory any more.
  virtual void cancel(AttemptId attempt) = 0;
  /// What has ended, or turned out to be lost, since the last call.
  virtual std::vector<FetchOutcome> take() = 0;
};

/// `wake` is called from the fetcher's thread when take() has something: Transport::wake() of the
/// caller, for example.  `files`, `clock` and what `wake` refers to outlive the fetcher.
Result<std::unique_ptr<Fetcher>> start_fetcher(io::FileSystem& files, Clock& clock,
                                               const FetcherOptions& options,
                                               std::function<void()> wake);

}  // namespace fanfold::worker
