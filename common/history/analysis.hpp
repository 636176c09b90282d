// What the numbers of a job's history say: where its time went, which tasks stand out, what to
// change first.  Pure arithmetic over a JobHistory; every sentence of advice carries its numbers.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/history/job_history.hpp"

namespace fanfold {

/// Upper bounds grow by a factor of two from the first bucket's.
struct Histogram {
  static constexpr std::size_t kBuckets = 24;
  static constexpr std::uint64_t kFirstBound = 1000;  // Microseconds.
  std::array<std::uint64_t, kBuckets> counts{};

  void add(std::uint64_t microseconds);
  static std::uint64_t bound(std::size_t bucket) { return kFirstBound << bucket; }
};

/// What became of all attempts of a stage.
struct AttemptCounts {
  std::uint64_t all = 0;
  std::uint64_t running = 0;
  std::uint64_t again = 0;  // After another at the same task had ended: retries.
  std::uint64_t speculative = 0;
  std::uint64_t failed = 0;
  std::uint64_t lost = 0;
  std::uint64_t abandoned = 0;  // Duplicates, discarded.
};

/// Of committed attempts, but for `attempts`.  Indexes are into JobHistory::attempts.
struct StageAnalysis {
  Stage stage = Stage::kMap;
  std::uint32_t tasks = 0;
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  std::uint64_t committed = 0;
  std::uint64_t busy = 0;  // All run times together.
  std::uint64_t median = 0;
  std::uint64_t p95 = 0;
  std::uint64_t p99 = 0;
  std::uint64_t longest = 0;
  std::uint64_t waited_median = 0;  // From assignment to start.
  std::uint64_t waited_p95 = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_in_median = 0;
  std::uint64_t bytes_in_most = 0;
  std::uint64_t records_in = 0;
  std::uint64_t spills = 0;
  std::uint64_t peak_rss_bytes = 0;
  /// From when the first slot found nothing to do any more to the end of the stage.
  std::uint64_t tail = 0;
  Histogram durations;
  std::optional<std::size_t> last;   // The attempt whose commit came last.
  std::vector<std::size_t> slowest;  // The longest first, at most ten.
  std::vector<std::size_t> largest;  // By bytes read, at most ten.
  std::uint64_t stragglers = 0;      // Ran more than twice as long as the median, and a second.

  AttemptCounts attempts;

  std::uint64_t elapsed() const { return ended - started; }
  /// How many times as long as the median the longest ran, in hundredths; 0: none ran.
  std::uint64_t straggling() const { return median == 0 ? 0 : longest * 100 / median; }
};

/// Failures whose messages differ in their numbers alone.
struct FailureGroup {
  std::string cause;
  std::string message;  // Of the first of them.
  std::uint64_t count = 0;
  std::uint64_t wasted = 0;  // Run time.
  bool charged = false;
  std::vector<std::size_t> examples;  // At most three.
};

/// One piece of the chain of things that the job's end waited for.
struct CriticalStep {
  std::string what;
  std::string detail;
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
};

struct Advice {
  std::string finding;
  std::string action;
  std::uint64_t saves = 0;  // Microseconds of the job's time, at most; 0: not known.
};

struct Analysis {
  std::uint32_t slots = 0;
  std::uint64_t busy = 0;    // Run time of all attempts.
  std::uint64_t wasted = 0;  // Of it, what came to nothing.
  /// From the end of the maps to the end of the job: reduces and publication.
  std::optional<std::uint64_t> gather;
  std::vector<StageAnalysis> stages;
  std::vector<FailureGroup> failures;  // The most frequent first.
  std::vector<CriticalStep> critical_path;
  std::vector<Advice> advice;  // What saves most comes first.
};

Analysis analyse(const JobHistory& history);

/// "map-3.1": task and attempt.
std::string name_of(const AttemptHistory& attempt);

// Parts of analyse(), in files of their own.
std::vector<CriticalStep> critical_path(const JobHistory& history);
std::vector<Advice> advise(const JobHistory& history, const Analysis& analysis);

}  // namespace fanfold
