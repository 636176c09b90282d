#include "bench/sleepers/sleep_executors.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <utility>

#include "common/io/part_file.hpp"
#include "common/io/run_file.hpp"
#include "common/proto/flow.hpp"

namespace fanfold::bench {
namespace {

proto::FailureKind kind_of(const Status& status) {
  return status.code() == StatusCode::kNoSpace ? proto::FailureKind::kNoSpace
                                               : proto::FailureKind::kIo;
}

}  // namespace

bool is_sampled(std::uint32_t split, std::uint32_t partition, std::uint32_t sample_every) {
  return (split + partition) % sample_every == 0;
}

std::string sample_record(std::uint32_t split, std::uint32_t partition) {
  return "split " + std::to_string(split) + " for partition " + std::to_string(partition) + "\n";
}

Duration SleepExecutors::time_of(const proto::TaskAssignment& assignment) const {
  const bool is_map = assignment.task.stage == Stage::kMap;
  // An attempt takes as long as it did in any other run of this experiment.
  std::mt19937_64 random((std::uint64_t{assignment.task.index} << 20) +
                         (assignment.attempt_number << 1) + (is_map ? 1 : 0));
  const double sigma = options_.sigma_percent / 100.0;
  // The mean stays what it is however much tasks differ.
  const double factor = std::lognormal_distribution<>(-sigma * sigma / 2, sigma)(random);
  const Duration mean = (is_map ? options_.map : options_.reduce) * options_.slowness;
  return Duration(static_cast<std::int64_t>(static_cast<double>(mean.count()) * factor));
}

void SleepExecutors::start(Instant now, worker::ExecutorTask task) {
  const AttemptId attempt = task.assignment.attempt;
  log_.info("attempt.started", {{"worker", options_.number},
                                {"attempt", attempt.value},
                                {"stage", static_cast<int>(task.assignment.task.stage)},
                                {"task", task.assignment.task.index}});
  const Instant wakes = now + time_of(task.assignment);
  sleeping_[attempt] = {wakes, std::move(task)};
}

void SleepExecutors::kill(Instant, AttemptId attempt, proto::FailureKind kind) {
  if (sleeping_.erase(attempt) == 0) return;
  worker::AttemptEnded ended;
  ended.attempt = attempt;
  ended.failure.kind = kind;
  ended_.push_back(std::move(ended));
}

Result<std::vector<worker::AttemptEnded>> SleepExecutors::take_ended(Instant now) {
  for (auto at = sleeping_.begin(); at != sleeping_.end();) {
    if (at->second.wakes > now) {
      ++at;
      continue;
    }
    ended_.push_back(finish(at->second.task));
    at = sleeping_.erase(at);
  }
  return std::exchange(ended_, {});
}

std::optional<Instant> SleepExecutors::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [attempt, one] : sleeping_) {
    next = next ? std::min(*next, one.wakes) : one.wakes;
  }
  return next;
}

worker::ProgressSeen SleepExecutors::progress() const {
  worker::ProgressSeen seen;
  ++beat_;  // Asleep, and well.
  for (const auto& [attempt, one] : sleeping_) seen.entries.push_back({attempt, 0, 0, beat_});
  return seen;
}

worker::AttemptEnded SleepExecutors::finish(const worker::ExecutorTask& task) {
  worker::AttemptEnded ended;
  ended.attempt = task.assignment.attempt;
  const Status status = task.assignment.task.stage == Stage::kMap
                            ? write_map_output(task, &ended.report)
                            : write_part(task, &ended.report);
  ended.succeeded = status.ok();
  if (!status.ok()) {
    ended.failure.kind = kind_of(status);
    ended.failure.message = status.message();
  }
  return ended;
}

Status SleepExecutors::write_map_output(const worker::ExecutorTask& task,
                                        proto::AttemptReport* report) {
  const std::uint32_t split = task.assignment.task.index;
  FANFOLD_RETURN_IF_ERROR(files_.make_directories(task.scratch));
  FANFOLD_ASSIGN_OR_RETURN(const auto run, io::create_run_file(files_, task.scratch + "/output.run",
                                                               io::BlockCompression::kNone));
  for (std::uint32_t partition = 0; partition < task.assignment.partitions; ++partition) {
    if (!is_sampled(split, partition, options_.sample_every)) continue;
    // The master adds up what was written and what was read: no record may count twice.
    const std::string record = sample_record(split, partition);
    const std::uint64_t hash = XXH3_64bits(record.data(), record.size());
    FANFOLD_RETURN_IF_ERROR(run->write(partition, record, {1, hash, hash}));
    ++report->records_out;
  }
  FANFOLD_RETURN_IF_ERROR(run->finish());
  for (const io::Segment& segment : run->segments()) {
    proto::add_flow(&report->flow, proto::flow_of(segment.partition, segment.summary));
  }
  report->records_in = 1;
  report->emitted = report->records_out;
  return {};
}

Status SleepExecutors::check_segment(const worker::LocalSegment& segment, std::uint32_t partition) {
  const std::string wrong = "the segment of split " + std::to_string(segment.output.split) +
                            " for partition " + std::to_string(partition) + " ";
  FANFOLD_ASSIGN_OR_RETURN(const auto reader,
                           io::open_segment(files_, segment.path, segment.segment));
  FANFOLD_ASSIGN_OR_RETURN(const std::string_view block, reader->next());
  if (block == sample_record(segment.output.split, partition)) return {};
  return {StatusCode::kCorruption, wrong + "holds '" + std::string(block) + "'"};
}

Status SleepExecutors::write_part(const worker::ExecutorTask& task, proto::AttemptReport* report) {
  const proto::TaskAssignment& assignment = task.assignment;
  const std::uint32_t partition = assignment.task.index;
  const SampleBook::Share share = book_.shares[assignment.attempt];
  book_.shares.erase(assignment.attempt);
  const std::size_t expected = share.sampled;
  const std::vector<worker::LocalSegment>& segments = worker::segments_of(task.segments);
  for (const worker::LocalSegment& segment : segments) {
    FANFOLD_RETURN_IF_ERROR(check_segment(segment, partition));
    proto::add_flow(&report->flow, proto::flow_of(partition, segment.segment.summary));
  }
  if (segments.size() != expected) {
    return {StatusCode::kCorruption,
            std::to_string(segments.size()) + " segments came of " + std::to_string(expected)};
  }
  const std::string directory = assignment.staging + "/" + std::to_string(assignment.attempt.value);
  FANFOLD_RETURN_IF_ERROR(files_.make_directory(directory));
  const std::string name =
      io::part_name("part", partition, assignment.partitions, io::PartCompression::kNone);
  FANFOLD_ASSIGN_OR_RETURN(const auto part, io::create_part(files_, directory + "/" + name, name,
                                                            io::PartCompression::kNone));
  // What the output has to hold depends on the task alone, so that a wrong one shows.
  FANFOLD_RETURN_IF_ERROR(part->write("partition " + std::to_string(partition) + " of " +
                                          std::to_string(share.listed) + " splits\n",
                                      1));
  FANFOLD_RETURN_IF_ERROR(part->finish());
  report->files = {part->info()};
  report->records_in = expected;
  report->records_out = 1;
  report->bytes_out = part->info().bytes;
  return {};
}

}  // namespace fanfold::bench
