// Makes the output of a job visible in one step: collect the committed files in the staging
// directory, verify them, write _SUCCESS, sync, rename.  Blocking; runs in a thread of its own.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/manifest.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

struct AttemptFiles {
  AttemptId attempt;
  std::vector<io::PartInfo> files;  // In <staging>/<attempt id>/.
};

struct PublishRequest {
  JobId job;
  proto::JobSpec spec;
  std::uint32_t partitions = 1;
  std::string staging;
  std::uint64_t epoch = 0;            // Of the master: each builds in a directory of its own.
  std::vector<AttemptFiles> maps;     // By split: named outputs of mappers, joined in this order.
  std::vector<AttemptFiles> reduces;  // By partition.
  proto::JobStatus status;            // For the manifest: counters, attempts, times.
  std::map<std::string, std::int64_t> map_counters;  // Those of `status` that maps have counted.
  std::optional<io::Ledger> ledger;                  // The same.
  std::uint64_t pairs_folded = 0;  // Of those read, what shares of hot partitions made less of.
  std::optional<io::Coverage> coverage;  // The same; partial: the manifest is called _PARTIAL.
  std::uint32_t parts_gathered = 0;      // That became one; 0: none were (put_gathered()).
  std::uint64_t gathered_records = 0;    // In them.
  std::uint64_t started_unix_ms = 0;     // For the manifest; 0: left out.
  std::uint64_t finished_unix_ms = 0;
};

struct Published {
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint32_t files = 0;
};

/// "<parent>/.<name>.fanfold-<unique>": beside the output, so that one rename publishes it.
std::string staging_directory(const std::string& output, const std::string& unique);

/// Refuses what cannot be published, before any work is done: output exists, parent missing or not
/// writable; to be replaced but not an earlier output, or with inputs of this job in it.  Creates
/// the staging directory.
Status prepare_output(io::FileSystem& files, const proto::JobSpec& spec,
                      const std::string& staging);

/// The output path is absent (or the old one) until this succeeds, complete afterwards.  After a
/// failure or a crash it may be called again with the same request: it starts over, or finds that
/// it had succeeded.  Removes the staging directory at the end.  kCorruption: a file is not what
/// its attempt committed.
Result<Published> publish(io::FileSystem& files, const PublishRequest& request);

}  // namespace fanfold::master
