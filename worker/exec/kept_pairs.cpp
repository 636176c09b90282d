#include "worker/exec/kept_pairs.hpp"

#include <map>
#include <utility>

#include "common/io/pairs_file.hpp"
#include "common/io/part_file.hpp"
#include "common/proto/redrive.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/narrow.hpp"
#include "fanfold/hash.hpp"
#include "worker/exec/segment_source.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;
using Sources = std::vector<std::unique_ptr<abi::RunSource>>;

constexpr std::size_t kBlockBytes = 256u << 10;

/// A part that a run is written to: its checksum grows with it, so that it is not read again.
class PartOfRun final : public io::WritableFile {
 public:
  explicit PartOfRun(io::PartWriter& part) : part_(part) {}
  Status append(std::string_view bytes) override { return part_.write(bytes, 0); }
  /// The part is synced at its end.
  Status sync() override { return {}; }
  Status close() override { return {}; }

 private:
  io::PartWriter& part_;
};

/// The file as it grows.
class PairsWriter {
 public:
  PairsWriter(const PairsTask& task, const std::string& path, const std::string& name)
      : task_(task) {
    auto created = io::create_part(task.files, path, name, io::PartCompression::kNone);
    task.host.require(created.status());
    part_ = *std::move(created);
    // The same pairs give the same bytes, however slow the disk is.
    run_ =
        io::make_run_file_writer(std::make_unique<PartOfRun>(*part_), io::BlockCompression::kLz4);
  }

  void add(std::string_view record) {
    if (block_.size() + record.size() > kBlockBytes) flush();
    block_.append(record);
    const std::uint64_t digest = hash(record);
    ++summary_.records;
    summary_.sum += digest;
    summary_.exclusive_or ^= digest;
  }

  const io::PartInfo& finish() {
    flush();
    task_.host.require(run_->finish());
    task_.host.require(part_->write({}, run_->segments().front().summary.records));
    task_.host.require(part_->finish());
    return part_->info();
  }

 private:
  void flush() {
    if (block_.empty()) return;
    task_.host.require(run_->write(0, block_, summary_));
    task_.progress.ticks.fetch_add(1, std::memory_order_relaxed);
    block_.clear();
    summary_ = {};
  }

  const PairsTask& task_;
  std::unique_ptr<io::PartWriter> part_;
  std::unique_ptr<io::RunFileWriter> run_;
  std::string block_;
  abi::BlockSummary summary_;
};

std::unique_ptr<abi::RunSource> open_pairs(const PairsTask& task, const std::string& path) {
  return std::make_unique<SegmentSource>(
      task.files, path, 0, std::nullopt,
      [&host = task.host](const Status& status) {
        if (status.code() != StatusCode::kCorruption) host.require(status);
        host.fail(FailureKind::kInput, status.message() +
                                           "; something changed it, or the disk is failing: run "
                                           "the job again instead");
      },
      task.request.bytes_read);
}

/// Of a piece that a redrive reads; nullopt: it is a record.
std::optional<io::PairsFileName> pairs_file_of(const proto::TaskAssignment& assignment,
                                               const io::Piece& piece) {
  const auto directory = proto::redriven_directory(assignment.spec);
  const std::size_t slash = piece.path.rfind('/');
  if (!directory || slash == std::string::npos) return std::nullopt;
  // A record may come from a file of such a name.
  if (std::string_view(piece.path).substr(0, slash) != *directory) return std::nullopt;
  return io::parse_pairs_file_name(std::string_view(piece.path).substr(slash + 1));
}

}  // namespace

bool keeps_pairs(const proto::TaskAssignment& assignment) {
  return assignment.task.stage == Stage::kReduce &&
         proto::keeps_pairs(assignment.spec, assignment.partitions);
}

Sources keep_pairs(const PairsTask& task, Sources sources, proto::AttemptReport* report) {
  if (sources.empty()) return sources;
  const bool ordered = task.request.job->order_values;
  detail::narrow_runs(
      {task.host, task.progress, task.memory_bytes, task.request.assignment->task.index}, sources,
      [&](Sources some, detail::RunWriter& out) {
        detail::Merger merger(std::move(some), ordered, task.progress);
        for (; !merger.at_end(); merger.advance()) {
          out.write(task.request.assignment->task.index, merger.record().bytes);
        }
      });
  const proto::TaskAssignment& assignment = *task.request.assignment;
  const std::string name = io::pairs_file_name(assignment.task.index, assignment.partitions);
  const std::string path = task.host.output_directory() + "/" + name;
  PairsWriter writer(task, path, name);
  detail::Merger merger(std::move(sources), ordered, task.progress);
  for (; !merger.at_end(); merger.advance()) writer.add(merger.record().bytes);
  report->files.push_back(writer.finish());
  Sources kept;
  kept.push_back(open_pairs(task, path));
  return kept;
}

bool passes_pairs_on(const proto::TaskAssignment& assignment) {
  const auto& pieces = assignment.split.pieces;
  return assignment.task.stage == Stage::kMap && pieces.size() == 1 &&
         pairs_file_of(assignment, pieces.front());
}

void pass_pairs_on(const PairsTask& task, proto::AttemptReport* report) {
  const io::Piece& piece = task.request.assignment->split.pieces.front();
  const std::uint32_t partition = pairs_file_of(*task.request.assignment, piece)->partition;
  Sources sources;
  sources.push_back(open_pairs(task, piece.path));
  detail::RunWriter out(task.host, abi::RunKind::kFinal, task.progress);
  detail::Merger merger(std::move(sources), false, task.progress);
  for (; !merger.at_end(); merger.advance()) out.write(partition, merger.record().bytes);
  out.finish();
  report->bytes_in = piece.end;
}

bool samples_pairs(const proto::TaskAssignment& assignment) {
  return assignment.task.stage == Stage::kSample && proto::redriven_directory(assignment.spec);
}

std::vector<std::string> splitters_of_pairs(const PairsTask& task) {
  std::map<std::uint32_t, std::string> first_keys;
  std::uint32_t last = 0;
  for (const io::Piece& piece : task.request.assignment->split.pieces) {
    const auto name = pairs_file_of(*task.request.assignment, piece);
    if (!name) continue;
    Sources sources;
    sources.push_back(open_pairs(task, piece.path));
    const detail::Merger merger(std::move(sources), false, task.progress);
    if (merger.at_end()) continue;
    first_keys[name->partition] = merger.record().key;
    last = std::max(last, name->partition);
  }
  // A partition that was empty begins where the next one does; behind the last there is nothing.
  std::vector<std::string> splitters;
  for (std::uint32_t partition = 1; partition <= last; ++partition) {
    splitters.push_back(first_keys.lower_bound(partition)->second);
  }
  return splitters;
}

}  // namespace fanfold::worker
