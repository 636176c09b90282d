// Reading run files: the index (whole, or one entry of it) and the blocks of one segment.
// Every number from the disk is checked against the file's size or a limit before it is used.

#include "common/core/check.hpp"
#include "common/io/buffer.hpp"
#include "common/io/run_file.hpp"
#include "common/io/run_format.hpp"
#include "common/io/run_tail.hpp"

namespace fanfold::io {
namespace {

/// The footer and, with few partitions, the whole index: one read.
constexpr std::size_t kTailBytes = 4096;
constexpr std::size_t kReadAheadBytes = 64u << 10;

Status damaged(const std::string& path, const std::string& what) {
  return Status(StatusCode::kCorruption, "run file " + path + " is damaged: " + what);
}

Status read_fully(ReadableFile& file, const std::string& path, std::uint64_t offset,
                  std::span<char> buffer) {
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file.read_at(offset, buffer));
  if (count != buffer.size()) return damaged(path, "it ends too early");
  return Status();
}

Result<Segment> read_entry(ReadableFile& file, const RunTail& tail, const std::string& path,
                           std::uint32_t position) {
  const std::uint64_t offset = tail.offset_of_entry(position);
  char entry[kIndexEntryBytes];
  if (offset >= tail.offset) {
    std::memcpy(entry, tail.bytes.data() + (offset - tail.offset), kIndexEntryBytes);
  } else {
    FANFOLD_RETURN_IF_ERROR(read_fully(file, path, offset, entry));
  }
  const auto segment = decode_index_entry(entry, position, tail.footer);
  if (!segment) return damaged(path, "index entry " + std::to_string(position) + " is not valid");
  return *segment;
}

class Reader final : public SegmentReader {
 public:
  Reader(std::unique_ptr<ReadableFile> file, std::string path, const Segment& segment)
      : file_(std::move(file)),
        path_(std::move(path)),
        offset_(segment.offset),
        begin_(segment.offset),
        unread_(segment.stored_bytes),
        raw_left_(segment.raw_bytes) {}

  Result<std::string_view> next() override {
    window_.drop_front(used_);
    used_ = 0;
    if (window_.size() == 0 && unread_ == 0) {
      if (raw_left_ != 0) return damaged(path_, "blocks are missing at the end of a segment");
      return std::string_view();
    }
    FANFOLD_RETURN_IF_ERROR(have(kBlockHeaderBytes));
    const auto header = decode_block_header(window_.data());
    if (!header) return damaged(path_, "no valid block" + position());
    if (header->raw_bytes > raw_left_) return damaged(path_, "too many blocks" + position());
    const std::size_t whole = kBlockHeaderBytes + header->stored_bytes;
    FANFOLD_RETURN_IF_ERROR(have(whole));
    const std::string_view stored = window_.view().substr(kBlockHeaderBytes, header->stored_bytes);
    if (checksum_of_block(header->raw_bytes, stored) != header->checksum) {
      return damaged(path_, "wrong checksum of the block" + position());
    }
    raw_left_ -= header->raw_bytes;
    used_ = whole;
    if (header->stored_bytes == header->raw_bytes) return stored;
    return decompress(stored, header->raw_bytes);
  }

  std::uint64_t bytes_read() const override { return offset_ - begin_; }

 private:
  Result<std::string_view> decompress(std::string_view stored, std::uint32_t raw_bytes) {
    raw_.clear();
    raw_.grow(raw_bytes);
    if (!decompress_block(stored, raw_bytes, raw_.data())) {
      return damaged(path_, "undecodable LZ4 data" + position());
    }
    raw_.extend(raw_bytes);
    return raw_.view();
  }

  /// Makes the window hold at least `count` bytes.  Reads the next block's header along with this
  /// block, so that each block costs one read, and a small segment one read altogether.
  Status have(std::size_t count) {
    if (window_.size() >= count) return Status();
    if (count - window_.size() > unread_) {
      return damaged(path_, "a block ends after its segment" + position());
    }
    const std::size_t wanted = std::max(count + kBlockHeaderBytes, kReadAheadBytes);
    const std::size_t amount = std::min<std::uint64_t>(wanted - window_.size(), unread_);
    window_.grow(window_.size() + amount);
    FANFOLD_RETURN_IF_ERROR(read_fully(*file_, path_, offset_, {window_.end(), amount}));
    window_.extend(amount);
    offset_ += amount;
    unread_ -= amount;
    return Status();
  }

  std::string position() const { return " at byte " + std::to_string(offset_ - window_.size()); }

  const std::unique_ptr<ReadableFile> file_;
  const std::string path_;
  std::uint64_t offset_;  // Of the first byte that is not in the window yet.
  const std::uint64_t begin_;
  std::uint64_t unread_;    // Bytes of the segment from there on.
  std::uint64_t raw_left_;  // What the index says is still to come.
  Buffer window_;
  std::size_t used_ = 0;  // Bytes at the front of the window that the caller may be looking at.
  Buffer raw_;
};

}  // namespace

Result<RunTail> read_run_tail(ReadableFile& file, const std::string& path) {
  RunTail tail;
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file.size());
  if (size < kFooterBytes) return damaged(path, "it is too short; its writer did not finish");
  const std::size_t wanted = std::min<std::uint64_t>(size, kTailBytes);
  tail.offset = size - wanted;
  tail.bytes.grow(wanted);
  FANFOLD_RETURN_IF_ERROR(read_fully(file, path, tail.offset, {tail.bytes.data(), wanted}));
  tail.bytes.extend(wanted);
  const auto footer = decode_footer(tail.bytes.end() - kFooterBytes, size);
  if (!footer) return damaged(path, "no valid footer; its writer did not finish");
  tail.footer = *footer;
  return tail;
}

Result<std::vector<Segment>> read_run_index(FileSystem& files, const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open(path));
  FANFOLD_ASSIGN_OR_RETURN(RunTail tail, read_run_tail(*file, path));
  if (tail.footer.data_bytes < tail.offset && tail.footer.entries != 0) {
    const std::size_t index_bytes = tail.footer.entries * kIndexEntryBytes;
    Buffer index(index_bytes);
    FANFOLD_RETURN_IF_ERROR(
        read_fully(*file, path, tail.footer.data_bytes, {index.data(), index_bytes}));
    index.extend(index_bytes);
    tail.bytes = std::move(index);
    tail.offset = tail.footer.data_bytes;
  }
  std::vector<Segment> segments;
  segments.reserve(tail.footer.entries);
  std::uint64_t offset = 0;
  for (std::uint32_t i = 0; i < tail.footer.entries; ++i) {
    FANFOLD_ASSIGN_OR_RETURN(const Segment segment, read_entry(*file, tail, path, i));
    const bool ascends = segments.empty() || segments.back().partition < segment.partition;
    if (!ascends || segment.offset != offset) return damaged(path, "its index is out of order");
    offset += segment.stored_bytes;
    segments.push_back(segment);
  }
  if (offset != tail.footer.data_bytes) return damaged(path, "its index is incomplete");
  return segments;
}

Result<Segment> find_segment(FileSystem& files, const std::string& path, std::uint32_t partition) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open(path));
  FANFOLD_ASSIGN_OR_RETURN(RunTail tail, read_run_tail(*file, path));
  // Entries ascend by partition without repeating, so entry i is of partition i or a later one.
  std::uint32_t low = 0;
  std::uint32_t high = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(tail.footer.entries, std::uint64_t{partition} + 1));
  for (std::uint32_t probe = high; low < high; probe = low + (high - low) / 2) {
    // The first probe is right when no partition before this one is empty.
    const std::uint32_t position = probe == high ? high - 1 : probe;
    FANFOLD_ASSIGN_OR_RETURN(const Segment segment, read_entry(*file, tail, path, position));
    if (segment.partition == partition) return segment;
    if (segment.partition < partition) {
      low = position + 1;
    } else {
      high = position;
    }
  }
  Segment none;
  none.partition = partition;
  return none;
}

Result<std::unique_ptr<SegmentReader>> open_segment(FileSystem& files, const std::string& path,
                                                    const Segment& segment) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.open(path));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  if (segment.offset > size || segment.stored_bytes > size - segment.offset) {
    return damaged(path, "it is shorter than its index says");
  }
  return std::unique_ptr<SegmentReader>(new Reader(std::move(file), path, segment));
}

}  // namespace fanfold::io
