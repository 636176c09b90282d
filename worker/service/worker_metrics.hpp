// The /metrics of a worker: docs/operating/metrics.md lists names, units and labels; none of them
// grows with jobs or tasks.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/http/http_server.hpp"
#include "worker/service/worker_measures.hpp"
#include "worker/shuffle/shuffle_figures.hpp"

namespace fanfold::worker {

/// What does not change while a worker lives.
struct WorkerTraits {
  std::string scratch;
  std::uint32_t slots = 1;
  std::uint64_t memory_bytes = 0;  // Of an executor.
  double started_unix_seconds = 0;
  /// Shared with the fetcher and the data server, who write.
  std::shared_ptr<const ShuffleFigures> shuffle = std::make_shared<ShuffleFigures>();
};

std::string worker_metrics(const WorkerTraits& traits, const WorkerFigures& figures);

/// Answers /metrics, and says at / that this is where they are.  Any thread; borrows `measures`.
HttpResponse respond_with_metrics(const HttpRequest& request, const WorkerTraits& traits,
                                  const WorkerMeasures& measures);

}  // namespace fanfold::worker
