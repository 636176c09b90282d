// Executors that only wait: a map attempt takes its time and then writes a small output, a reduce
// attempt checks what was fetched for it, takes its time and then writes its part file.  With them
// one host holds a cluster of thousands of real workers, of which everything but the user's code
// is what runs in production.

#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "bench/sleepers/sample_book.hpp"
#include "common/io/file_system.hpp"
#include "common/log/log.hpp"
#include "worker/service/executors.hpp"

namespace fanfold::bench {

struct SleepOptions {
  std::uint32_t number = 0;  // Of the worker, for the log.
  Duration map{0};
  Duration reduce{0};
  /// Of the logarithm of the times, in percent: how much tasks differ.
  std::uint32_t sigma_percent = 25;
  /// This worker takes so many times as long.
  std::uint32_t slowness = 1;
  /// Of the map outputs each reduce task really reads one in so many.
  std::uint32_t sample_every = 1;
};

/// Whether reduce task `partition` reads the output of `split`.  Known to both sides, so that a map
/// writes what is read and no more.
bool is_sampled(std::uint32_t split, std::uint32_t partition, std::uint32_t sample_every);
/// The record that a map task leaves for a partition.
std::string sample_record(std::uint32_t split, std::uint32_t partition);

class SleepExecutors final : public worker::Executors {
 public:
  /// Borrows the files, the log and the book.
  SleepExecutors(const SleepOptions& options, io::FileSystem& files, Log& log, SampleBook& book)
      : options_(options), files_(files), log_(log), book_(book) {}

  void start(Instant now, worker::ExecutorTask task) override;
  void kill(Instant now, AttemptId attempt, proto::FailureKind kind) override;
  Result<std::vector<worker::AttemptEnded>> take_ended(Instant now) override;
  bool has_ended() const override { return !ended_.empty(); }
  std::optional<Instant> next_deadline() const override;
  worker::ProgressSeen progress() const override;
  /// Sleepers write nothing.
  worker::AttemptLog::Part output(AttemptId /*attempt*/, std::uint64_t /*offset*/,
                                  std::size_t /*bytes_max*/) const override {
    return {};
  }

 private:
  struct Sleeping {
    Instant wakes;
    worker::ExecutorTask task;
  };

  Duration time_of(const proto::TaskAssignment& assignment) const;
  worker::AttemptEnded finish(const worker::ExecutorTask& task);
  Status write_map_output(const worker::ExecutorTask& task, proto::AttemptReport* report);
  Status write_part(const worker::ExecutorTask& task, proto::AttemptReport* report);
  Status check_segment(const worker::LocalSegment& segment, std::uint32_t partition);

  const SleepOptions options_;
  io::FileSystem& files_;
  Log& log_;
  SampleBook& book_;
  std::map<AttemptId, Sleeping> sleeping_;
  std::vector<worker::AttemptEnded> ended_;
  mutable std::uint64_t beat_ = 0;
};

}  // namespace fanfold::bench
