// Between executors that want a file and the master that may have it.  One thread.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/core/time.hpp"
#include "common/io/file_system.hpp"
#include "common/log/log.hpp"
#include "common/proto/messages.hpp"
#include "worker/blobs/blob_cache.hpp"
#include "worker/service/executors.hpp"

namespace fanfold::worker {

class BroughtFiles {
 public:
  struct Doors {
    io::FileSystem& files;
    Executors& executors;
    Log& log;
  };
  /// All of `doors` outlives it.  Files are kept below `directory`.
  BroughtFiles(const Doors& doors, std::string directory);

  struct Master {
    WorkerId self;               // As it calls this worker.
    std::uint32_t protocol = 0;  // That it speaks.
  };
  /// Takes what executors want, sends the questions about it, and hands over what has come.
  void turn(Instant now, const Master& master, const std::function<void(std::string)>& send);
  void take(Instant now, const proto::BlobPart& part);
  void forget(AttemptId attempt) { cache_.forget(attempt); }

  std::optional<Instant> next_deadline() const { return cache_.next_deadline(); }
  const BlobCache::Figures& figures() const { return cache_.figures(); }

 private:
  const Doors doors_;
  BlobCache cache_;
};

}  // namespace fanfold::worker
