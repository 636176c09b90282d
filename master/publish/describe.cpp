#include "master/publish/describe.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/io/pairs_file.hpp"
#include "common/proto/gather.hpp"
#include "common/proto/redrive.hpp"

namespace fanfold::master {

namespace {

/// Moves what is kept of the pairs out of `files`.  nullopt: a redrive has nothing to go on from,
/// as nothing was to be kept, or a worker of an earlier version has kept nothing.
std::optional<io::KeptPairs> take_pairs(const PublishRequest& request,
                                        std::vector<io::PartInfo>* files) {
  const auto end = std::stable_partition(
      files->begin(), files->end(),
      [](const io::PartInfo& file) { return !io::parse_pairs_file_name(file.name); });
  io::KeptPairs kept;
  kept.files.assign(end, files->end());
  files->erase(end, files->end());
  if (request.status.dead_letters == 0) return std::nullopt;
  if (!proto::keeps_pairs(request.spec, request.partitions)) return std::nullopt;
  std::uint64_t pairs = 0;
  for (const io::PartInfo& file : kept.files) pairs += file.records;
  pairs += request.pairs_folded;
  if (request.ledger && request.ledger->pairs_read.records != pairs) return std::nullopt;
  kept.counters = request.map_counters;
  return kept;
}

/// Tasks that did a part of what a reduce does: they made no part of the output.
std::uint32_t shares_of(const proto::JobStatus& status) {
  std::uint32_t shares = 0;
  for (const proto::HeavyPartition& one : status.hot_partitions) shares += one.shares;
  return shares;
}

}  // namespace

io::Manifest describe_output(const PublishRequest& request, std::vector<io::PartInfo> files) {
  io::Manifest manifest;
  const proto::JobSpec& spec = request.spec;
  const proto::JobStatus& status = request.status;
  manifest.job_name = spec.job_name;
  manifest.plugin_sha256 = spec.plugin.sha256;
  manifest.parameters = spec.parameters;
  manifest.inputs = spec.inputs;
  manifest.partitions = request.partitions;
  manifest.partitioning = spec.partitioning;
  manifest.key_order = spec.key_order;
  manifest.output_format = spec.output_format;
  manifest.compression = spec.output_compression;
  manifest.counters = status.counters;
  std::sort(files.begin(), files.end(),
            [](const io::PartInfo& a, const io::PartInfo& b) { return a.name < b.name; });
  manifest.kept = take_pairs(request, &files);
  for (const io::PartInfo& file : files) {
    manifest.bytes += file.bytes;
    manifest.records += file.records;
  }
  io::ManifestRun& run = manifest.run;
  for (const proto::StageStatus& stage : status.stages) {
    if (stage.stage == Stage::kMap) {
      manifest.input_records = stage.records_in;
      run.map_tasks = stage.tasks;
      manifest.records_skipped = status.records_skipped;
      manifest.dead_letters = status.dead_letters;
    }
    if (stage.stage == Stage::kReduce) run.reduce_tasks = stage.tasks - shares_of(status);
    if (stage.stage == Stage::kGather) run.gather_tasks = stage.tasks;
  }
  run.job_id = request.job.value;
  run.client_id = spec.client_id;
  run.submitted_by = spec.submitted_by;
  run.failed_attempts = status.failed_attempts;
  run.lost_attempts = status.lost_attempts;
  run.speculative_attempts = status.speculative_attempts;
  if (status.shuffle.mode != proto::ShuffleMode::kPull) {
    run.shuffle = proto::name_of(status.shuffle.mode);
    run.early_bytes = status.shuffle.fetched.early;
    run.late_bytes = status.shuffle.fetched.late;
  }
  run.wall_ms = status.elapsed_ms;
  run.ledger = request.ledger;
  if (request.parts_gathered > 0) {
    manifest.gathered = {.how = proto::name_of(spec.gather.how),
                         .parts = request.parts_gathered,
                         .records = request.gathered_records};
  }
  manifest.coverage = request.coverage;
  run.started_unix_ms = request.started_unix_ms;
  run.finished_unix_ms = request.finished_unix_ms;
  manifest.files = std::move(files);
  return manifest;
}

Published summary_of(const io::Manifest& manifest) {
  return {manifest.bytes, manifest.records, static_cast<std::uint32_t>(manifest.files.size())};
}

bool is_output_of(const io::Manifest& manifest, const PublishRequest& request) {
  return !request.spec.client_id.empty() && manifest.run.client_id == request.spec.client_id &&
         manifest.run.job_id == request.job.value;
}

Status changed_file(const std::string& path, AttemptId attempt, const std::string& difference) {
  return Status(StatusCode::kCorruption,
                path + " is not what attempt " + std::to_string(attempt.value) +
                    " wrote: " + difference +
                    "; something changed it, or the disk is failing: run the job again");
}

}  // namespace fanfold::master
