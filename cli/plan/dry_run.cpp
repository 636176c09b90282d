#include "cli/plan/dry_run.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include "cli/replay/apart.hpp"
#include "cli/replay/here.hpp"
#include "common/io/file_system.hpp"
#include "common/storage/storage.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kOutputLines = 10;
constexpr std::size_t kOutputLineBytes = 100;
/// Files that may hold nothing, before those that do.
constexpr std::size_t kFilesWithoutRecords = 10'000;
/// More than so many are worth a word.
constexpr std::uint64_t kPairsPerRecord = 100;

class Trial {
 public:
  Trial(const proto::JobSpec& spec, const master::Plan& plan, const DryRunOptions& options)
      : options_(options) {
    run_.limit = options.limit;
    assignment_.spec = spec;
    // One part, and as it is: it is looked at.
    assignment_.spec.output_compression = io::PartCompression::kNone;
    assignment_.partitions = 1;
    assignment_.staging = options.scratch + "/staging";
    assignment_.task.job = JobId{1};
    for (const proto::Split& split : plan.splits) {
      for (const io::Piece& piece : split.pieces) add(piece);
    }
  }

  Result<DryRun> run() {
    FANFOLD_RETURN_IF_ERROR(files_.make_directories(assignment_.staging));
    FANFOLD_ASSIGN_OR_RETURN(const worker::RunOutcome map, attempt(Stage::kMap, {}));
    if (!map.succeeded) return failed(map);
    run_.records = map.report.records_in;
    run_.emitted = map.report.emitted;
    count(map.report);
    worker::SegmentList segments;
    if (!map.report.output_empty) {
      worker::LocalSegment segment;
      segment.output.attempt = assignment_.attempt;
      segment.path = scratch() + "/output.run";
      segments = worker::make_segment_list({segment});
    }
    FANFOLD_ASSIGN_OR_RETURN(const worker::RunOutcome reduce,
                             attempt(Stage::kReduce, std::move(segments)));
    if (!reduce.succeeded) return failed(reduce);
    run_.pairs = reduce.report.records_in;
    run_.pairs_bytes = reduce.report.bytes_in;
    run_.output_records = reduce.report.records_out;
    run_.output_bytes = reduce.report.bytes_out;
    count(reduce.report);
    read_output(reduce.report);
    warn();
    return std::move(run_);
  }

 private:
  /// One file is one piece again; files that cannot be needed are left out.
  void add(const io::Piece& piece) {
    std::vector<io::Piece>& pieces = assignment_.split.pieces;
    if (!pieces.empty() && pieces.back().path == piece.path && pieces.back().end == piece.begin) {
      pieces.back().end = piece.end;
    } else if (pieces.size() < options_.limit + kFilesWithoutRecords) {
      pieces.push_back(piece);
    }
  }

  std::string scratch() const {
    return options_.scratch + "/" + std::to_string(assignment_.attempt.value);
  }

  Result<worker::RunOutcome> attempt(Stage stage, worker::SegmentList segments) {
    assignment_.task.stage = stage;
    ++assignment_.attempt.value;
    HereAttempt here;
    here.assignment = &assignment_;
    here.scratch = scratch();
    here.segments = std::move(segments);
    here.records_max = options_.limit;
    return run_apart({.assignment = &assignment_, .run = [&](abi::ProgressSlot* progress) {
                        here.progress = progress;
                        return run_here(files_, here);
                      }});
  }

  Result<DryRun> failed(const worker::RunOutcome& outcome) {
    run_.failed = true;
    run_.task = assignment_.task;
    run_.failure = outcome.failure;
    return std::move(run_);
  }

  void count(const proto::AttemptReport& report) {
    for (const auto& [name, value] : report.counters) run_.counters[name] += value;
  }

  void read_output(const proto::AttemptReport& report) {
    if (assignment_.spec.output_format == abi::OutputFormat::kBinary) return;
    for (const io::PartInfo& part : report.files) {
      std::ifstream file(assignment_.staging + "/" + std::to_string(assignment_.attempt.value) +
                         "/" + part.name);
      std::string line;
      while (run_.output.size() < kOutputLines && std::getline(file, line)) {
        std::replace(line.begin(), line.end(), '\t', ' ');
        const bool cut = line.size() > kOutputLineBytes;
        run_.output.push_back(printable(line.substr(0, kOutputLineBytes), false) +
                              (cut ? "..." : ""));
      }
    }
  }

  void warn();

  const DryRunOptions& options_;
  io::FileSystem& files_ = storage();
  proto::TaskAssignment assignment_;
  DryRun run_;
};

void Trial::warn() {
  std::vector<std::string>& warnings = run_.warnings;
  if (run_.records == 0) {
    warnings.push_back("there is no record in the input");
    return;
  }
  if (run_.emitted == 0 && run_.output_records == 0) {
    warnings.push_back("nothing was emitted for " + plural(run_.records, "record") +
                       ": is it the right input, are the parameters right?");
  }
  if (run_.emitted > kPairsPerRecord * run_.records) {
    warnings.push_back(plural(run_.emitted, "pair") + " for " + plural(run_.records, "record") +
                       ": each record makes " + std::to_string(run_.emitted / run_.records) +
                       "; a combiner, or fewer pairs, would spare the network");
  }
}

}  // namespace

Result<DryRun> dry_run(const proto::JobSpec& spec, const master::Plan& plan,
                       const DryRunOptions& options) {
  return Trial(spec, plan, options).run();
}

std::string text_of(const DryRun& run) {
  std::string text = "Dry run of at most " + plural(run.limit, "record") + "\n";
  if (run.failed) {
    text += "  FAILED   in " + name_of(run.task) + ": " + proto::name_of(run.failure.kind) + ": " +
            printable(run.failure.message, false) + "\n";
    return text;
  }
  text +=
      "  map      " + plural(run.records, "record") + " gave " + plural(run.emitted, "pair") + "\n";
  text += "  reduce   " + plural(run.pairs, "pair") + ", " + format_bytes(run.pairs_bytes) +
          ", gave " + plural(run.output_records, "record") + ", " + format_bytes(run.output_bytes) +
          "\n";
  for (const auto& [name, value] : run.counters) {
    text += "  counter  " + printable(name, false) + " " + std::to_string(value) + "\n";
  }
  for (const std::string& warning : run.warnings) text += "  WARNING  " + warning + "\n";
  for (const std::string& line : run.output) text += "  output   " + line + "\n";
  if (run.output_records > run.output.size() && !run.output.empty()) {
    text += "  and " + plural(run.output_records - run.output.size(), "more record") +
            ", all thrown away\n";
  }
  return text;
}

}  // namespace fanfold::cli
