// _SUCCESS: the manifest of an output directory, as JSON.  It is the last file written before a
// directory is published, so a directory that has one is complete.  An output that lacks some of
// its input has _PARTIAL instead, which nobody takes for a success.  docs/disk_format.md explains
// every field.
//
// All but `run` depends on the job and its input alone: running a job again gives the same text.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/coverage.hpp"
#include "common/io/file_system.hpp"
#include "common/io/part_file.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::io {

inline constexpr const char* kManifestName = "_SUCCESS";
inline constexpr const char* kPartialManifestName = "_PARTIAL";

/// Where every record went: what must add up when nothing was lost, doubled or changed on the way.
struct Ledger {
  std::uint64_t input_files = 0;
  std::uint64_t input_bytes = 0;
  bool input_covered = false;  // Splits cover every file from its first byte, without overlap.
  std::uint64_t records_mapped = 0;
  std::uint64_t records_skipped = 0;  // --on-bad-record skip.
  std::uint64_t dead_letters = 0;     // --on-bad-record dead-letter.
  std::uint64_t maps_compared = 0;    // With a second run on another worker: --verify-sample.
  std::uint64_t pairs_emitted = 0;    // Before combining.
  abi::BlockSummary pairs_written;    // By all maps: proto::flow_of().
  abi::BlockSummary pairs_read;       // By all reduces.
};

/// What differs from run to run.
struct ManifestRun {
  std::uint64_t job_id = 0;
  std::string client_id;  // Tells the output of one submission from that of another.
  std::string submitted_by;
  std::uint64_t map_tasks = 0;
  std::uint64_t reduce_tasks = 0;
  std::uint64_t gather_tasks = 0;  // 0: left out.
  std::uint64_t failed_attempts = 0;
  std::uint64_t lost_attempts = 0;
  std::uint64_t speculative_attempts = 0;
  std::string shuffle;  // How map output went to other hosts; empty: "pull", and left out.
  // Of that: came before reduces were given out, and after.
  std::uint64_t early_bytes = 0;
  std::uint64_t late_bytes = 0;
  std::uint64_t wall_ms = 0;
  std::uint64_t started_unix_ms = 0;   // 0: not known; left out.
  std::uint64_t finished_unix_ms = 0;  // 0: not known; left out.
  std::optional<Ledger> ledger;        // Of runs on a cluster.
};

/// Of an output whose parts became one file (docs/patterns/gather.md).
struct Gathered {
  std::string how;            // "concat", "merge-sort" or "reduce".
  std::uint64_t parts = 0;    // That reduces wrote.
  std::uint64_t records = 0;  // In them; with "reduce", folded pairs.
};

/// What a redrive goes on from (docs/patterns/dead_letters.md).
struct KeptPairs {
  std::vector<PartInfo> files;                   // By name; of partitions that had pairs.
  std::map<std::string, std::int64_t> counters;  // Of the maps alone.
};

struct Manifest {
  std::uint64_t format_version = 1;
  std::uint64_t generation = 1;  // Grows when a redrive has added to the output.
  std::string job_name;
  std::string plugin_sha256;
  std::map<std::string, std::string, std::less<>> parameters;
  std::vector<std::string> inputs;
  std::uint32_t partitions = 1;
  abi::Partitioning partitioning = abi::Partitioning::kHash;
  std::string key_order;
  abi::OutputFormat output_format = abi::OutputFormat::kText;
  PartCompression compression = PartCompression::kNone;
  std::uint64_t input_records = 0;
  std::uint64_t records_skipped = 0;  // Of them: bad ones, left out.
  std::uint64_t dead_letters = 0;     // Of them: bad ones, kept in kDeadLettersName.
  std::uint64_t bytes = 0;            // Of all files.
  std::uint64_t records = 0;
  std::map<std::string, std::int64_t> counters;
  std::vector<PartInfo> files;  // By name.
  std::optional<Gathered> gathered;
  std::optional<KeptPairs> kept;     // Of jobs with dead letters.
  std::optional<Coverage> coverage;  // Of jobs that may do without some of their input.
  ManifestRun run;

  bool partial() const { return coverage && coverage->partial(); }
  /// kManifestName, or kPartialManifestName.
  const char* file_name() const { return partial() ? kPartialManifestName : kManifestName; }
};

std::string to_json(const Manifest& manifest);

/// Total: any text gives a manifest or kCorruption.  File names in it are plain names.
/// kInvalidArgument: a later format than this program knows.
Result<Manifest> parse_manifest(std::string_view json);

/// Of a complete or a partial output.  kNotFound, with what to make of it, when `directory` is
/// neither.
Result<Manifest> read_manifest(FileSystem& files, const std::string& directory);

/// Letters, digits, '.', '_' and '-', not starting with '.' or '_': what an output file may be
/// called; and kDeadLettersName.
bool is_output_name(std::string_view name);

}  // namespace fanfold::io
