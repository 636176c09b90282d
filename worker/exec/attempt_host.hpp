// What one attempt's task sees of the engine: runs, parts, side files, counters and log.  Notes the
// first failure and throws HostFailure; whoever swallows that does not turn it into a success.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/io/file_system.hpp"
#include "common/io/part_file.hpp"
#include "common/io/run_file.hpp"
#include "common/proto/types.hpp"
#include "worker/exec/bad_records.hpp"
#include "worker/exec/gathered_segments.hpp"
#include "worker/exec/run_task.hpp"
#include "worker/exec/side_files.hpp"

namespace fanfold::worker {

class AttemptHost final : public abi::TaskHost, public abi::RunSink {
 public:
  AttemptHost(io::FileSystem& files, const RunRequest& request, SideFiles& side_files);
  AttemptHost(const AttemptHost&) = delete;
  AttemptHost& operator=(const AttemptHost&) = delete;

  // abi::TaskHost
  RunSink& start_run(abi::RunKind kind) override;
  void finish_run() override;
  std::unique_ptr<abi::RunSource> open_spill(std::size_t index, std::uint32_t partition) override;
  void drop_spill(std::size_t index) override;
  void write_output(std::string_view name, std::string_view bytes, std::uint64_t records) override;
  void add_to_counter(std::string_view name, std::int64_t delta) override;
  void note_emission(const abi::Emission& emission) override;
  void log(std::string_view text) override;
  std::string_view side_file(std::string_view name) override;
  void note_bad_record(std::uint64_t offset, bool undone) override;

  // abi::RunSink
  void write(std::uint32_t partition, std::string_view block,
             const abi::BlockSummary& summary) override;

  /// Reduce: the part file exists even when nothing is written to it.
  void open_part() { output_named(""); }
  /// Of this attempt in the staging directory; made at the first call.
  std::string output_directory();
  /// Reduce inputs, each opened at its first read and let go at its end; small
  /// neighbours become one.  They and `runs` outlive what is returned.
  std::vector<std::unique_ptr<abi::RunSource>> open_inputs(std::span<const FoundSegment> inputs,
                                                           InputRuns runs);
  /// Completes the output files and fills in what the attempt produced.
  void finish(proto::AttemptReport* report);

  /// Map: records that the task does without.
  BadRecords& bad_records() { return bad_records_; }
  void write_dead_letter(std::string_view line);

  [[noreturn]] void fail(proto::FailureKind kind, std::string message);
  [[noreturn]] void fail_at_record(const BadRecord& record, std::string message);
  /// Throws HostFailure when `status` is not OK: the disk's fault.
  void require(Status status);
  const std::optional<proto::FailureReport>& failure() const { return failure_; }
  /// Reduce inputs that could not be read, at least one.
  [[noreturn]] void fail_fetch(std::vector<proto::MapOutput> lost, const std::string& message);

 private:
  std::unique_ptr<abi::RunSource> open_input(const FoundSegment& input);
  io::PartWriter& output_named(std::string_view name);
  void finish_map(proto::AttemptReport* report);
  /// What failed stays failed: user code that swallowed the exception meets it again.
  void go_on() const;
  void make_scratch();
  std::string spill_path(std::size_t index) const;
  std::unique_ptr<io::RunFileWriter> create_run();
  void note_heavy(const std::vector<io::Segment>& segments);
  void note_gather_run();

  io::FileSystem& files_;
  const RunRequest& request_;
  const proto::TaskAssignment& assignment_;
  SideFiles& side_files_;
  const std::uint32_t branch_;  // Map: added to each partition.
  const bool leaves_run_;       // The final run is for another task.
  std::optional<proto::FailureReport> failure_;

  std::unique_ptr<io::RunFileWriter> run_;  // Being written; made at its first block.
  abi::RunKind run_kind_ = abi::RunKind::kSpill;
  bool run_started_ = false;
  std::vector<std::vector<io::Segment>> spills_;  // Indexes of the spills finished so far.
  bool scratch_made_ = false;
  bool output_kept_ = false;                // Map: output.run exists.
  std::optional<io::PartInfo> gather_run_;  // The file of that run.

  std::map<std::string, std::unique_ptr<io::PartWriter>, std::less<>> outputs_;
  bool output_directory_made_ = false;
  BadRecords bad_records_;
  std::unique_ptr<io::PartWriter> dead_letters_;  // Made for the first one.
  std::uint64_t unmapped_ = 0;                    // Records that the task did without.
  std::uint64_t failures_ = 0;                    // Of the job's own counting.
  std::map<std::string, std::int64_t, std::less<>> counters_;
  std::uint64_t records_out_ = 0;
  std::uint64_t bytes_out_ = 0;
  std::uint64_t emitted_ = 0;
  proto::Emission emission_;
  std::vector<proto::PartitionBytes> heavy_;  // Map.
  abi::BlockSummary flow_;                    // Map: of the final run.
};

}  // namespace fanfold::worker
