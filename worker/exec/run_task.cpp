#include "worker/exec/run_task.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <new>

#include "common/core/clock.hpp"
#include "common/core/limits.hpp"
#include "common/io/first_records.hpp"
#include "common/io/piece_reader.hpp"
#include "common/io/scheme.hpp"
#include "common/proto/flow.hpp"
#include "worker/exec/attempt_host.hpp"
#include "worker/exec/gather.hpp"
#include "worker/exec/kept_pairs.hpp"
#include "worker/exec/key_text.hpp"
#include "worker/exec/part_place.hpp"
#include "worker/exec/piece_source.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;

/// Of an executor's budget: its code and libraries, an input block, a run block and its compressed
/// form, buffers of the output files.
constexpr std::uint64_t kHostBytes = 20u << 20;
/// Below this a task would spill for every few records.
constexpr std::uint64_t kTaskBytesMin = 4u << 20;

/// One attempt while it runs.
struct Attempt {
  io::FileSystem& files;
  const RunRequest& request;
  const proto::TaskAssignment& assignment;
  abi::ProgressSlot& progress;
  AttemptHost& host;
  proto::AttemptReport& report;
  bool in_map_block = false;  // The progress slot names a record.
  std::string key = {};       // That reduce was at when it threw, as text.
};

abi::TaskMode mode_of(Stage stage) {
  switch (stage) {
    case Stage::kSample:
      return abi::TaskMode::kSample;
    case Stage::kMap:
      return abi::TaskMode::kMap;
    case Stage::kReduce:
    case Stage::kGather:
      break;
  }
  return abi::TaskMode::kReduce;
}

/// Objects are read ahead, and sent while more is written.
constexpr std::uint64_t kRemoteBytes = 24u << 20;

bool reduces(const proto::TaskAssignment& assignment) {
  return mode_of(assignment.task.stage) == abi::TaskMode::kReduce;
}

bool is_remote(const RunRequest& request) {
  const proto::TaskAssignment& assignment = *request.assignment;
  if (reduces(assignment)) {
    return !io::scheme_of(assignment.spec.output).empty();
  }
  const auto& pieces = assignment.split.pieces;
  return std::any_of(pieces.begin(), pieces.end(),
                     [](const io::Piece& piece) { return io::scheme_of(piece.path) == "s3"; });
}

/// What is left of the executor's budget for the task's tables, buffers and merges.
std::uint64_t task_bytes(const RunRequest& request) {
  const std::uint64_t taken = kHostBytes + (is_remote(request) ? kRemoteBytes : 0);
  return std::max(kTaskBytesMin, request.memory_bytes - std::min(request.memory_bytes, taken));
}

/// A part of a reduce's memory that pays for not reading segments one by one.
std::uint64_t kept_bytes(const RunRequest& request) {
  constexpr std::uint64_t kPerFile = 128u << 10;
  return std::min<std::uint64_t>(task_bytes(request) / 8,
                                 kPerFile * segments_of(request.segments).size());
}

abi::TaskSettings settings_for(const RunRequest& request, abi::ProgressSlot* progress) {
  const proto::TaskAssignment& assignment = *request.assignment;
  abi::TaskSettings settings;
  settings.mode = mode_of(assignment.task.stage);
  settings.partitions = assignment.partitions;
  settings.index = assignment.partition();
  settings.reduction = reduction_of(assignment);
  // A branch, and the root of a tree, are all that there is as far as the job can see.
  if (has_branch(assignment) || assignment.task.stage == Stage::kGather) settings.partitions = 1;
  if (assignment.task.stage == Stage::kGather) settings.index = 0;
  settings.attempt = assignment.attempt_number;
  settings.job_id = std::to_string(assignment.task.job.value);
  settings.memory_bytes = task_bytes(request) - kept_bytes(request);
  settings.threads = request.threads;
  settings.output_format = assignment.spec.output_format;
  settings.parameters = assignment.spec.parameters;
  settings.splitters = assignment.splitters;
  settings.tolerant = assignment.spec.bad_records.tolerant() && !reduces(assignment);
  // Where values are folded in branches no key belongs to one partition.
  settings.measure_keys = assignment.spec.measure_keys && !has_branch(assignment);
  settings.progress = progress;
  return settings;
}

/// A missing or malformed input is the same for everybody; what this host's disk, descriptors or
/// memory refuse may go well elsewhere or later, and is no fault of the task.
[[noreturn]] void fail_input(Attempt& attempt, const Status& status) {
  const bool of_host =
      status.code() == StatusCode::kIoError || status.code() == StatusCode::kUnavailable;
  attempt.host.fail(of_host ? FailureKind::kIo : FailureKind::kInput, status.message());
}

/// The block whole, or cut before the record that somebody wants to stop at.
void map_block(const Attempt& attempt, abi::Task& task, std::uint32_t piece,
               const abi::InputBlock& block) {
  const RecordStop* stop = attempt.request.stop;
  const bool holds_it = stop != nullptr && stop->piece == piece && stop->offset >= block.offset &&
                        stop->offset - block.offset < block.bytes.size();
  if (!holds_it) return task.map_block(block);
  const std::size_t before = stop->offset - block.offset;
  abi::InputBlock part = block;
  part.bytes = block.bytes.substr(0, before);
  if (before > 0) task.map_block(part);
  part.bytes = block.bytes.substr(before);
  part.offset = stop->offset;
  stop->reached();
  task.map_block(part);
}

/// Sample and map: every record of every piece, in order.
void map_pieces(Attempt& attempt, abi::Task& task) {
  const io::ReadOptions options = read_options(attempt.assignment.spec);
  const std::uint64_t records_max = attempt.request.records_max;
  const auto records_read = [&] {
    return attempt.progress.records.load(std::memory_order_relaxed);
  };
  const auto is_enough = [&] { return records_max != 0 && records_read() >= records_max; };
  PieceSource source(attempt.files, attempt.assignment.spec);
  std::uint64_t bytes_before = 0;
  const auto& pieces = attempt.assignment.split.pieces;
  for (std::uint32_t i = 0; i < pieces.size() && !is_enough(); ++i) {
    attempt.progress.piece.store(i, std::memory_order_relaxed);
    auto reader = source.open(pieces[i]);
    if (!reader.ok()) fail_input(attempt, reader.status());
    while (!is_enough()) {
      auto block = (*reader)->next();
      if (!block.ok()) fail_input(attempt, block.status());
      const std::uint64_t bytes = bytes_before + (*reader)->bytes_read();
      attempt.report.bytes_in = bytes;
      if (attempt.request.bytes_read != nullptr) attempt.request.bytes_read->store(bytes);
      if (!*block) break;
      if (records_max != 0) {
        (*block)->bytes = io::first_records((*block)->bytes, options, records_max - records_read());
      }
      (*block)->passed_over = attempt.host.bad_records().enter(**block);
      attempt.in_map_block = true;
      map_block(attempt, task, i, **block);
      attempt.in_map_block = false;
    }
    bytes_before = attempt.report.bytes_in;
  }
}

/// Numbers the files of fetched segments: several segments share one.
using FetchedFiles = std::map<std::string_view, std::size_t>;
FetchedFiles fetched_files(const RunRequest& request) {
  FetchedFiles numbers;
  for (const LocalSegment& input : segments_of(request.segments)) {
    if (input.fetched) numbers.emplace(input.path, numbers.size());
  }
  return numbers;
}

/// All segments that hold records, with their places in their files as the indexes say.  Those that
/// cannot be read are named together, before anything is done with the others.
std::vector<FoundSegment> find_segments(Attempt& attempt, const FetchedFiles& fetched,
                                        io::KeptRuns& runs) {
  constexpr std::size_t kPrefetch = 4;
  const std::uint32_t partition = attempt.assignment.partition();
  const std::vector<LocalSegment>& inputs = segments_of(attempt.request.segments);
  std::vector<FoundSegment> found;
  std::vector<proto::MapOutput> lost;
  std::string why;
  found.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const LocalSegment& input = inputs[i];
    if (input.fetched) {
      if (input.segment.summary.records == 0) continue;
      found.push_back({&input, fetched.at(input.path), input.segment});
      continue;
    }
    if (i + kPrefetch < inputs.size()) runs.prefetch(i + kPrefetch, partition);
    auto segment = runs.find(i, input.path, partition);
    if (!segment.ok()) {
      if (lost.empty()) why = segment.status().message();
      lost.push_back(input.output);
    } else if (segment->summary.records > 0) {
      found.push_back({&input, i, *std::move(segment)});
    }
  }
  if (!lost.empty()) attempt.host.fail_fetch(std::move(lost), why);
  return found;
}

void reduce_sources(Attempt& attempt, abi::Task& task,
                    std::vector<std::unique_ptr<abi::RunSource>> sources) {
  try {
    task.reduce(std::move(sources));
  } catch (...) {
    // The key lies in the task, which is about to go.
    attempt.key = key_text(attempt.assignment.spec.key_order, current_key(attempt.progress));
    throw;
  }
}

PairsTask pairs_task(const Attempt& attempt) {
  return {attempt.files, attempt.request, attempt.progress, attempt.host,
          task_bytes(attempt.request) - kept_bytes(attempt.request)};
}

/// Counts what the segments hold before they are read.
void reduce_segments(Attempt& attempt, abi::Task& task) {
  io::KeptRuns own_runs(attempt.files);
  io::KeptRuns fetched_runs(attempt.files);
  const RunRequest& request = attempt.request;
  const InputRuns runs{request.kept_runs != nullptr ? *request.kept_runs : own_runs, fetched_runs};
  const FetchedFiles fetched = fetched_files(request);
  const std::uint64_t bytes = kept_bytes(request) / (fetched.empty() ? 1 : 2);
  // What is fetched is fetched for this attempt alone.
  runs.fetched.begin(nullptr, fetched.size(), bytes);
  runs.local.begin(request.segments, segments_of(request.segments).size(), bytes);
  const std::vector<FoundSegment> segments = find_segments(attempt, fetched, runs.local);
  if (!leaves_run(attempt.assignment)) attempt.host.open_part();
  const std::uint32_t partition = attempt.assignment.partition();
  for (const FoundSegment& found : segments) {
    proto::add_flow(&attempt.report.flow, proto::flow_of(partition, found.segment.summary));
    attempt.report.bytes_in += found.segment.stored_bytes;
  }
  auto sources = attempt.host.open_inputs(segments, runs);
  if (keeps_pairs(attempt.assignment)) {
    sources = keep_pairs(pairs_task(attempt), std::move(sources), &attempt.report);
  }
  reduce_sources(attempt, task, std::move(sources));
}

/// What other tasks have left: those below in a tree, or the shares of a partition.
void gather(Attempt& attempt, abi::TaskSettings settings) {
  const bool in_tree = attempt.assignment.task.stage == Stage::kGather;
  if (in_tree && joins(attempt.assignment)) {
    return join_parts(attempt.files, attempt.request, attempt.progress, attempt.host,
                      &attempt.report);
  }
  GatheredRuns runs =
      open_gathered_runs(attempt.files, attempt.request, attempt.host, &attempt.report);
  settings.memory_bytes = memory_for(runs, settings.memory_bytes);
  if (in_tree && attempt.assignment.spec.gather.how != abi::Gather::kReduce) {
    return merge_runs(attempt.files, attempt.request, std::move(runs), settings.memory_bytes,
                      attempt.progress, attempt.host);
  }
  const std::unique_ptr<abi::Task> task = attempt.request.job->make_task(attempt.host, settings);
  task->start();
  if (!leaves_run(attempt.assignment)) attempt.host.open_part();
  if (keeps_pairs(attempt.assignment)) {
    runs.sources = keep_pairs(pairs_task(attempt), std::move(runs.sources), &attempt.report);
  }
  reduce_sources(attempt, *task, std::move(runs.sources));
}

void run_stage(Attempt& attempt) {
  const abi::TaskSettings settings = settings_for(attempt.request, &attempt.progress);
  // What reduces keep is memory that a map may want.
  const bool reduce = attempt.assignment.task.stage == Stage::kReduce;
  if (!reduce && attempt.request.kept_runs != nullptr) attempt.request.kept_runs->clear();
  const bool of_tree = attempt.assignment.task.stage == Stage::kGather;
  if (of_tree || !attempt.assignment.gather_inputs.empty()) {
    gather(attempt, settings);
    return attempt.host.finish(&attempt.report);
  }
  if (samples_pairs(attempt.assignment)) {
    attempt.report.splitters = splitters_of_pairs(pairs_task(attempt));
    return attempt.host.finish(&attempt.report);
  }
  if (passes_pairs_on(attempt.assignment)) {
    pass_pairs_on(pairs_task(attempt), &attempt.report);
    return attempt.host.finish(&attempt.report);
  }
  const std::unique_ptr<abi::Task> task = attempt.request.job->make_task(attempt.host, settings);
  task->start();
  switch (attempt.assignment.task.stage) {
    case Stage::kSample:
      map_pieces(attempt, *task);
      attempt.report.splitters = task->finish_sample();
      break;
    case Stage::kMap:
      map_pieces(attempt, *task);
      task->finish_map();
      break;
    case Stage::kReduce:
      reduce_segments(attempt, *task);
      break;
    case Stage::kGather:
      break;
  }
  attempt.report.records_in = attempt.progress.records.load(std::memory_order_relaxed);
  attempt.host.finish(&attempt.report);
}

/// The exception in flight as a failure, with the record it came from.
proto::FailureReport user_failure(const Attempt& attempt, FailureKind kind, std::string message) {
  proto::FailureReport failure;
  failure.kind = kind;
  failure.message = std::move(message);
  const std::uint64_t offset = attempt.progress.offset.load(std::memory_order_relaxed);
  const auto& pieces = attempt.assignment.split.pieces;
  const std::uint32_t piece = attempt.progress.piece.load(std::memory_order_relaxed);
  if (attempt.in_map_block && piece < pieces.size()) {
    failure.record_file = pieces[piece].path;
    failure.record_offset = offset;
    failure.record_to_blame = attempt.host.bad_records().to_blame();
  }
  failure.key = attempt.key;
  return failure;
}

/// Foreign code is called here and nowhere else in this folder.
std::optional<proto::FailureReport> run_guarded(Attempt& attempt) {
  std::optional<proto::FailureReport> failure;
  try {
    run_stage(attempt);
  } catch (const abi::HostFailure&) {
    // Noted by the host; a plugin that throws one of its own is told so.
    failure = user_failure(attempt, FailureKind::kException, "user code threw a HostFailure");
  } catch (const abi::GivenBack& given) {
    failure = user_failure(attempt, FailureKind::kGivenBack, "given back: " + given.why);
    failure->delay_ms = given.delay_ms;
    failure->record_to_blame = false;
  } catch (const std::bad_alloc&) {
    failure =
        user_failure(attempt, FailureKind::kOutOfMemory,
                     describe_current_exception() + "; raise --memory or keep less in memory");
  } catch (...) {
    failure = user_failure(attempt, FailureKind::kException, describe_current_exception());
  }
  return attempt.host.failure() ? attempt.host.failure() : failure;
}

}  // namespace

RunOutcome run_task(io::FileSystem& files, const RunRequest& request) {
  const Instant start = steady_clock().now();
  abi::ProgressSlot own_progress;
  SideFiles own_side_files;
  RunOutcome outcome;
  abi::ProgressSlot& progress = request.progress != nullptr ? *request.progress : own_progress;
  SideFiles& side_files = request.side_files != nullptr ? *request.side_files : own_side_files;
  AttemptHost host(files, request, side_files);
  Attempt attempt{files, request, *request.assignment, progress, host, outcome.report};
  if (auto failure = run_guarded(attempt)) {
    outcome.report = {};
    outcome.failure = *std::move(failure);
    return outcome;
  }
  outcome.succeeded = true;
  outcome.report.wall_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock().now() - start).count());
  return outcome;
}

}  // namespace fanfold::worker
