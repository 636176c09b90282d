// Tasks of jobs in this very process, over files of a directory of the test's own.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/io/run_file.hpp"
#include "tests/exec/test_jobs.hpp"
#include "tests/io/temporary_directory.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::worker {

using proto::FailureKind;

class ExecFixture : public testing::Test {
 protected:
  ExecFixture() { std::filesystem::create_directory(directory_.path("staging")); }

  static constexpr JobId kJob{1};
  /// So little that a task gets the least it can do with.
  static constexpr std::uint64_t kTiny = 1;
  static constexpr std::uint64_t kPlenty = 512u << 20;

  struct Plan {
    const abi::JobInfo* job = &job_info<CountWords>();
    Stage stage = Stage::kMap;
    std::vector<std::string> inputs = {};     // Sample and map: files, each a piece.
    std::vector<LocalSegment> segments = {};  // Reduce.
    std::uint32_t index = 0;                  // Of the task.
    std::uint32_t partitions = 3;
    std::uint64_t memory_bytes = kPlenty;
    proto::JobSpec spec = {};  // Parameters default to what the job declares.
    std::vector<std::string> splitters = {};
    SideFiles* side_files = nullptr;
    SegmentList list = {};  // In place of `segments`, which it has to equal.
    io::KeptRuns* kept_runs = nullptr;
    std::vector<proto::GatherInput> gather_inputs = {};
    std::uint32_t branch = 0;
    proto::PartitionShare share = {};
  };
  struct Run {
    RunOutcome outcome;
    AttemptId attempt;
    std::uint64_t bytes_read = 0;
    bool ok() const { return outcome.succeeded; }
    const proto::AttemptReport& report() const { return outcome.report; }
    const proto::FailureReport& failure() const { return outcome.failure; }
  };
  /// Runs it as a new attempt.
  Run run(const Plan& plan) { return run(io::posix_file_system(), plan); }
  Run run(io::FileSystem& files, const Plan& plan);

  /// A file of this text, as an input.
  std::string input(const std::string& name, const std::string& text) {
    return directory_.write("in/" + name, text);
  }

  std::string output_path(AttemptId attempt) const { return scratch(attempt) + "/output.run"; }
  std::string scratch(AttemptId attempt) const {
    return directory_.path("scratch/" + std::to_string(attempt.value));
  }
  /// Below the directory of the attempt's output files.
  std::string staged(AttemptId attempt, const std::string& file) const {
    return directory_.read(staged_name(attempt, file));
  }
  bool is_staged(AttemptId attempt, const std::string& file) const {
    return directory_.contains(staged_name(attempt, file));
  }
  /// Names of files that the attempt left in its scratch directory.
  std::vector<std::string> left_by(AttemptId attempt) const;

  /// The map output as a reducer on the same host gets it.
  LocalSegment local(const Run& map, std::uint32_t split) const;
  /// As a reducer on another host gets it: just the stored blocks of the partition.
  LocalSegment fetched(const Run& map, std::uint32_t split, std::uint32_t partition) const;

  using Pairs = std::vector<std::pair<std::string, std::string>>;
  /// All records of one partition of a map output, encoded values as they are.
  Pairs records_of(const std::string& run_file, std::uint32_t partition) const;

  /// Lines of pseudo-random words; the same for the same seed.
  static std::string text_of(std::uint64_t seed, std::size_t lines, std::uint64_t vocabulary);
  static std::map<std::string, std::uint64_t> count_words(const std::string& text);

  io::TemporaryDirectory directory_;
  std::uint64_t attempts_ = 0;

 private:
  static std::string staged_name(AttemptId attempt, const std::string& file) {
    return "staging/" + std::to_string(attempt.value) + "/" + file;
  }
  proto::TaskAssignment assignment_of(const Plan& plan);
};

std::string bytes_of(const std::string& path);
/// All that a run holds: its segments, their summaries, where blocks are cut and what is in them.
/// Only not whether a block is stored compressed, because that depends on the speed of the disk.
std::string contents_of_run(const std::string& path);

}  // namespace fanfold::worker
