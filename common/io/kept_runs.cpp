#include "common/io/kept_runs.hpp"

#include <algorithm>

#include "common/core/check.hpp"
#include "common/io/run_tail.hpp"

namespace fanfold::io {
namespace {

/// What a window reads to begin with: a page.
constexpr std::size_t kAheadFirst = 4096;
/// Less would cost more calls than it spares memory.
constexpr std::size_t kAheadLeast = 1024;
constexpr std::size_t kAheadMost = 64u << 10;
/// Entries that are read along with the one that is looked at.
constexpr std::uint32_t kEntriesNear = 16;

Status damaged(const std::string& path, const std::string& what) {
  return Status(StatusCode::kCorruption, "run file " + path + " is damaged: " + what);
}

}  // namespace

Result<std::string_view> FileWindow::get(FileSystem& files, const std::string& path,
                                         std::uint64_t offset, std::size_t size, std::size_t most,
                                         Buffer* scratch) {
  if (size > most) return pass_through(files, path, offset, size, scratch);
  if (offset < begin_ || offset - begin_ > bytes_.size() ||
      size > bytes_.size() - (offset - begin_)) {
    return read(files, path, offset, size, most);
  }
  ++served_;
  return std::string_view(bytes_.data() + (offset - begin_), size);
}

Result<std::string_view> FileWindow::read(FileSystem& files, const std::string& path,
                                          std::uint64_t offset, std::size_t size,
                                          std::size_t most) {
  if (ahead_ == 0) {
    ahead_ = kAheadFirst;
  } else {
    // One that served a single request was read ahead for nothing.
    ahead_ = served_ > 1 ? 2 * ahead_ : ahead_ / 2;
  }
  ahead_ = std::min(std::max(ahead_, kAheadLeast), most);
  const std::size_t wanted = std::max(ahead_, size);
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open(path));
  bytes_.clear();
  bytes_.grow(wanted);
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(offset, {bytes_.data(), wanted}));
  if (count < size) return damaged(path, "it ends too early");
  bytes_.extend(count);
  begin_ = offset;
  served_ = 1;
  return std::string_view(bytes_.data(), size);
}

Result<std::string_view> FileWindow::pass_through(FileSystem& files, const std::string& path,
                                                  std::uint64_t offset, std::size_t size,
                                                  Buffer* scratch) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open(path));
  scratch->clear();
  scratch->grow(size);
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(offset, {scratch->data(), size}));
  if (count < size) return damaged(path, "it ends too early");
  scratch->extend(size);
  return scratch->view();
}

void FileWindow::put(std::uint64_t offset, std::string_view bytes) {
  bytes_.clear();
  bytes_.grow(bytes.size());
  std::copy(bytes.begin(), bytes.end(), bytes_.data());
  bytes_.extend(bytes.size());
  begin_ = offset;
  served_ = 0;
}

void KeptRuns::begin(std::shared_ptr<const void> list, std::size_t files,
                     std::uint64_t memory_bytes) {
  // Each file has two windows.
  const auto share = static_cast<std::size_t>(
      std::min<std::uint64_t>(memory_bytes / (2 * std::max<std::size_t>(files, 1)), kAheadMost));
  // So little is not worth keeping.
  const std::size_t most = share < kAheadLeast ? 0 : share;
  if (list == nullptr || list != list_ || most < window_most_) clear();
  list_ = std::move(list);
  window_most_ = most;
  runs_.resize(files);
}

void KeptRuns::clear() {
  list_.reset();
  std::vector<Run>().swap(runs_);
}

void KeptRuns::prefetch(std::size_t file, std::uint32_t partition) const {
  const Run& run = runs_[file];
  if (partition <= run.partition) return;
  const std::uint64_t position = std::uint64_t{run.position} + (partition - run.partition);
  run.index.prefetch(run.footer.data_bytes + position * kIndexEntryBytes);
}

Result<Segment> KeptRuns::find(std::size_t file, const std::string& path, std::uint32_t partition) {
  Run& run = runs_[file];
  if (!run.known) FANFOLD_RETURN_IF_ERROR(read_footer(path, run));
  Range range = range_of(run, partition);
  for (bool first = true; range.low < range.high; first = false) {
    // The last one is right when no partition between is empty.
    const std::uint32_t position =
        first ? range.high - 1 : range.low + (range.high - range.low) / 2;
    FANFOLD_ASSIGN_OR_RETURN(const Segment segment, entry(path, run, position, range));
    run.found = true;
    run.partition = segment.partition;
    run.position = position;
    if (segment.partition == partition) return segment;
    if (segment.partition < partition) {
      range.low = position + 1;
    } else {
      range.high = position;
    }
  }
  Segment none;
  none.partition = partition;
  return none;
}

/// Entries ascend by partition without repeating, so the distance of two of them is at most that of
/// their partitions.
KeptRuns::Range KeptRuns::range_of(const Run& run, std::uint32_t partition) {
  const auto end = [&run](std::uint64_t position) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(position, run.footer.entries));
  };
  if (!run.found) return {0, end(std::uint64_t{partition} + 1)};
  if (partition == run.partition) return {run.position, run.position + 1};
  if (partition < run.partition) {
    const std::uint32_t back = std::min(run.partition - partition, run.position);
    return {run.position - back, run.position};
  }
  return {run.position + 1, end(std::uint64_t{run.position} + 1 + (partition - run.partition))};
}

Result<Segment> KeptRuns::entry(const std::string& path, Run& run, std::uint32_t position,
                                Range range) {
  // From the first that may be asked for next, so that they are read together.
  const std::uint32_t first = position - range.low < kEntriesNear ? range.low : position;
  const std::uint64_t offset = run.footer.data_bytes + std::uint64_t{first} * kIndexEntryBytes;
  const std::size_t size = (std::size_t{position - first} + 1) * kIndexEntryBytes;
  FANFOLD_ASSIGN_OR_RETURN(const std::string_view bytes,
                           run.index.get(files_, path, offset, size, window_most_, &scratch_));
  const auto segment =
      decode_index_entry(bytes.data() + size - kIndexEntryBytes, position, run.footer);
  if (!segment) return damaged(path, "index entry " + std::to_string(position) + " is not valid");
  return *segment;
}

Status KeptRuns::read_footer(const std::string& path, Run& run) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files_.open(path));
  FANFOLD_ASSIGN_OR_RETURN(const RunTail tail, read_run_tail(*file, path));
  run.footer = tail.footer;
  if (tail.bytes.size() <= window_most_) run.index.put(tail.offset, tail.bytes.view());
  run.known = true;
  return {};
}

Status KeptRuns::append(std::size_t file, const std::string& path, const Segment& segment,
                        Buffer* to) {
  FANFOLD_CHECK(segment.stored_bytes <= kSegmentBytesMax && segment.raw_bytes <= kSegmentBytesMax);
  Run& run = runs_[file];
  FANFOLD_ASSIGN_OR_RETURN(
      std::string_view stored,
      run.data.get(files_, path, segment.offset, segment.stored_bytes, window_most_, &scratch_));
  std::uint64_t raw_left = segment.raw_bytes;
  to->grow(to->size() + segment.raw_bytes);
  while (!stored.empty()) {
    const auto block = take_block(&stored);
    if (!block || block->raw_bytes > raw_left || !unpack_block(*block, to->end())) {
      return damaged(path,
                     "no valid block before byte " +
                         std::to_string(segment.offset + segment.stored_bytes - stored.size()));
    }
    to->extend(block->raw_bytes);
    raw_left -= block->raw_bytes;
  }
  if (raw_left != 0) return damaged(path, "blocks are missing at the end of a segment");
  return {};
}

}  // namespace fanfold::io
