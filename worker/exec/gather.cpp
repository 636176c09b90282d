#include "worker/exec/gather.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "common/io/checked_part.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/narrow.hpp"
#include "worker/exec/part_place.hpp"
#include "worker/exec/segment_source.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;
using Sources = std::vector<std::unique_ptr<abi::RunSource>>;

constexpr std::size_t kCopyBytes = 1u << 20;
/// Records that are written at once.
constexpr std::size_t kMergedBytes = 256u << 10;

std::string path_of(const proto::TaskAssignment& assignment, const proto::GatherInput& input) {
  return assignment.staging + "/" + std::to_string(input.attempt.value) + "/" + input.file.name;
}

/// A file that was changed is changed for everybody; what this host cannot read or does not see,
/// another one may.
[[noreturn]] void fail_input(AttemptHost& host, const Status& status) {
  if (status.code() == StatusCode::kCorruption) {
    host.fail(
        FailureKind::kInput,
        status.message() + "; something changed it, or the disk is failing: run the job again");
  }
  host.fail(FailureKind::kIo, status.message());
}

Result<io::Segment> find_run(io::FileSystem& files, const std::string& path,
                             const io::PartInfo& committed) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open(path));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t bytes, file->size());
  FANFOLD_ASSIGN_OR_RETURN(const io::Segment segment, io::find_segment(files, path, 0));
  if (bytes == committed.bytes && segment.summary.records == committed.records &&
      checksum_of_run(segment.summary) == committed.checksum) {
    return segment;
  }
  return Status(StatusCode::kCorruption,
                path + " is not what its attempt wrote: it has " + std::to_string(bytes) +
                    " bytes and " + std::to_string(segment.summary.records) +
                    " records, and should have " + std::to_string(committed.bytes) + " and " +
                    std::to_string(committed.records));
}

class Gathering {
 public:
  Gathering(io::FileSystem& files, const RunRequest& request, abi::ProgressSlot& progress,
            AttemptHost& host)
      : files_(files), request_(request), progress_(progress), host_(host) {}

  void concatenate() {
    host_.open_part();
    std::string buffer(kCopyBytes, '\0');
    for (const proto::GatherInput& input : request_.assignment->gather_inputs) {
      const std::unique_ptr<io::ReadableFile> file = open(input);
      file->will_read(0, input.file.bytes);
      for (std::uint64_t offset = 0; offset < input.file.bytes;) {
        const Result<std::size_t> read = file->read_at(offset, buffer);
        if (!read.ok()) fail_input(host_, read.status());
        write({buffer.data(), *read}, 0);
        offset += *read;
        if (request_.bytes_read != nullptr) request_.bytes_read->fetch_add(*read);
      }
      write({}, input.file.records);
      count(input.file.records);
    }
  }

  /// Of records under the keys at which they were written; nobody needs the keys behind the root.
  void merge(Sources runs, std::uint64_t memory_bytes) {
    detail::narrow_runs({host_, progress_, memory_bytes, 0}, runs,
                        [this](Sources some, detail::RunWriter& out) {
                          detail::Merger merger(std::move(some), false, progress_);
                          copy(merger, out);
                        });
    detail::Merger merger(std::move(runs), false, progress_);
    if (leaves_run(*request_.assignment)) {
      detail::RunWriter out(host_, abi::RunKind::kFinal, progress_);
      count(copy(merger, out));
      out.finish();
    } else {
      print(merger);
    }
    check_records();
  }

 private:
  std::unique_ptr<io::ReadableFile> open(const proto::GatherInput& input) {
    auto file = io::open_checked_part(files_, path_of(*request_.assignment, input), input.file);
    if (!file.ok()) fail_input(host_, file.status());
    return *std::move(file);
  }

  /// Nothing was lost on the way up the tree.
  void check_records() {
    std::uint64_t wanted = 0;
    for (const proto::GatherInput& input : request_.assignment->gather_inputs) {
      wanted += input.file.records;
    }
    if (records_ == wanted) return;
    host_.fail(FailureKind::kInput, "the runs to gather have " + std::to_string(records_) +
                                        " records, but their attempts wrote " +
                                        std::to_string(wanted));
  }

  static std::uint64_t copy(detail::Merger& merger, detail::RunWriter& out) {
    std::uint64_t records = 0;
    for (; !merger.at_end(); merger.advance(), ++records) out.write(0, merger.record().bytes);
    return records;
  }

  void print(detail::Merger& merger) {
    host_.open_part();
    std::string buffer;
    std::uint64_t buffered = 0;
    const auto flush = [&] {
      write(buffer, buffered);
      count(std::exchange(buffered, 0));
      buffer.clear();
    };
    for (; !merger.at_end(); merger.advance()) {
      buffer.append(merger.record().value);
      ++buffered;
      if (buffer.size() >= kMergedBytes) flush();
    }
    flush();
  }

  void write(std::string_view bytes, std::uint64_t records) {
    host_.write_output("", bytes, records);
    // A sign of life, however few records there are.
    progress_.ticks.fetch_add(1, std::memory_order_relaxed);
  }

  void count(std::uint64_t records) {
    records_ += records;
    progress_.records.store(records_, std::memory_order_relaxed);
  }

  io::FileSystem& files_;
  const RunRequest& request_;
  abi::ProgressSlot& progress_;
  AttemptHost& host_;
  std::uint64_t records_ = 0;
};

void count_inputs(const proto::TaskAssignment& assignment, proto::AttemptReport* report) {
  for (const proto::GatherInput& input : assignment.gather_inputs) {
    report->records_in += input.file.records;
    report->bytes_in += input.file.bytes;
  }
}

}  // namespace

GatheredRuns open_gathered_runs(io::FileSystem& files, const RunRequest& request, AttemptHost& host,
                                proto::AttemptReport* report) {
  count_inputs(*request.assignment, report);
  GatheredRuns runs;
  for (const proto::GatherInput& input : request.assignment->gather_inputs) {
    const std::string path = path_of(*request.assignment, input);
    const Result<io::Segment> run = find_run(files, path, input.file);
    if (!run.ok()) fail_input(host, run.status());
    runs.largest_block = std::max<std::uint64_t>(runs.largest_block, run->largest_block);
    runs.sources.push_back(std::make_unique<SegmentSource>(
        files, path, 0, *run, [&host](const Status& status) { fail_input(host, status); },
        request.bytes_read));
  }
  return runs;
}

std::uint64_t memory_for(const GatheredRuns& runs, std::uint64_t memory_bytes) {
  // A block, the same block as it is stored, and change.
  const std::uint64_t each = 3 * runs.largest_block;
  if (each <= detail::kSourceBytes) return memory_bytes;
  return memory_bytes / each * detail::kSourceBytes;
}

void join_parts(io::FileSystem& files, const RunRequest& request, abi::ProgressSlot& progress,
                AttemptHost& host, proto::AttemptReport* report) {
  count_inputs(*request.assignment, report);
  Gathering(files, request, progress, host).concatenate();
}

void merge_runs(io::FileSystem& files, const RunRequest& request, GatheredRuns runs,
                std::uint64_t memory_bytes, abi::ProgressSlot& progress, AttemptHost& host) {
  Gathering(files, request, progress, host).merge(std::move(runs.sources), memory_bytes);
}

}  // namespace fanfold::worker
