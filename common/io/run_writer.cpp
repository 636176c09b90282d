// Writing run files.  Small and compressed blocks are gathered in one buffer and appended in large
// pieces; large ones that do not shrink go to the file from where they are.

#include <lz4.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "common/core/check.hpp"
#include "common/io/buffer.hpp"
#include "common/io/run_file.hpp"
#include "common/io/run_format.hpp"

namespace fanfold::io {
namespace {

constexpr std::size_t kFlushBytes = 1u << 20;

/// A compressed block must save an eighth (12.5 %), or reading it costs more than it spares.
std::size_t worthwhile_size(std::size_t raw_bytes) { return raw_bytes - raw_bytes / 8; }
/// What LZ4 sets up for a block costs more than fewer bytes can save.
constexpr std::size_t kCompressLeast = 1u << 10;
/// Blocks of a run are alike: after one that did not shrink, so many are not tried, at most.
constexpr unsigned kUntriedMax = 31;
/// From here on a copy costs more than a system call.
constexpr std::size_t kCopyMost = 64u << 10;

class Writer final : public RunFileWriter {
 public:
  Writer(std::unique_ptr<WritableFile> file, BlockCompression compression, bool durable)
      : file_(std::move(file)), compression_(compression), durable_(durable) {}

  Status write(std::uint32_t partition, std::string_view block,
               const abi::BlockSummary& summary) override {
    FANFOLD_CHECK(file_ != nullptr);
    FANFOLD_CHECK(segments_.empty() || partition >= segments_.back().partition);
    FANFOLD_CHECK(partition < limits::kPartitions);
    if (block.empty()) return Status();
    if (block.size() > kRawBlockBytesMax) {
      return Status(StatusCode::kExhausted,
                    "a key and its value take " + std::to_string(block.size()) +
                        " bytes together; the limit is " + std::to_string(limits::kRecordBytes));
    }
    if (segments_.empty() || segments_.back().partition != partition) {
      segments_.emplace_back();
      segments_.back().partition = partition;
      segments_.back().offset = data_bytes_;
    }
    BlockHeader header;
    header.raw_bytes = static_cast<std::uint32_t>(block.size());
    header.stored_bytes = compressed_size(block);
    const bool compressed = header.stored_bytes != 0;
    if (!compressed) header.stored_bytes = header.raw_bytes;
    const std::uint64_t stored = kBlockHeaderBytes + header.stored_bytes;
    data_bytes_ += stored;
    Segment& segment = segments_.back();
    segment.stored_bytes += stored;
    segment.raw_bytes += block.size();
    segment.largest_block =
        std::max(segment.largest_block, static_cast<std::uint32_t>(block.size()));
    segment.summary.records += summary.records;
    segment.summary.sum += summary.sum;
    segment.summary.exclusive_or ^= summary.exclusive_or;
    if (!compressed && block.size() >= kCopyMost) return write_through(header, block);
    add_block(header, compressed ? std::string_view() : block);
    return pending_.size() < kFlushBytes ? Status() : flush();
  }

  Status finish() override {
    FANFOLD_CHECK(file_ != nullptr);
    const Footer footer{data_bytes_, static_cast<std::uint32_t>(segments_.size())};
    make_room(segments_.size() * kIndexEntryBytes + kFooterBytes);
    for (std::uint32_t i = 0; i < footer.entries; ++i) {
      encode_index_entry(segments_[i], i, pending_.end());
      pending_.extend(kIndexEntryBytes);
    }
    encode_footer(footer, pending_.end());
    pending_.extend(kFooterBytes);
    file_bytes_ = data_bytes_ + footer.entries * kIndexEntryBytes + kFooterBytes;
    FANFOLD_RETURN_IF_ERROR(flush());
    if (durable_) FANFOLD_RETURN_IF_ERROR(file_->sync());
    const std::unique_ptr<WritableFile> file = std::move(file_);
    return file->close();
  }

  const std::vector<Segment>& segments() const override { return segments_; }
  std::uint64_t file_bytes() const override { return file_bytes_; }

 private:
  /// Compresses the block to where add_block() wants it.  0: it stays as it is.
  std::uint32_t compressed_size(std::string_view block) {
    if (compression_ == BlockCompression::kNone || block.size() < kCompressLeast) return 0;
    if (compression_ == BlockCompression::kLz4IfSlow && !file_->slow()) return 0;
    if (untried_ > 0) {
      --untried_;
      return 0;
    }
    const std::size_t room = worthwhile_size(block.size());
    make_room(kBlockHeaderBytes + room);
    // Given less room than the raw size LZ4 stops early on what it cannot shrink.
    const int size = LZ4_compress_default(block.data(), pending_.end() + kBlockHeaderBytes,
                                          static_cast<int>(block.size()), static_cast<int>(room));
    // A single miss says little; each further one in a row doubles the pause.
    untried_ = size == 0 ? misses_ : 0;
    misses_ = size == 0 ? std::min(2 * misses_ + 1, kUntriedMax) : 0;
    return static_cast<std::uint32_t>(size);
  }

  /// Adds header and bytes to `pending_`; an empty block is there already, compressed.
  void add_block(BlockHeader header, std::string_view block) {
    const std::size_t whole = kBlockHeaderBytes + header.stored_bytes;
    make_room(whole);
    char* const stored = pending_.end() + kBlockHeaderBytes;
    if (!block.empty()) std::memcpy(stored, block.data(), block.size());
    header.checksum = checksum_of_block(header.raw_bytes, {stored, header.stored_bytes});
    encode_block_header(header, pending_.end());
    pending_.extend(whole);
  }

  Status write_through(BlockHeader header, std::string_view block) {
    header.checksum = checksum_of_block(header.raw_bytes, block);
    char bytes[kBlockHeaderBytes];
    encode_block_header(header, bytes);
    const std::string_view pieces[] = {pending_.view(), {bytes, kBlockHeaderBytes}, block};
    const Status written = file_->append_all(pieces);
    pending_.clear();
    return written;
  }

  /// At the end of `pending_`.  Doubled, as thousands of small blocks may follow each other.
  void make_room(std::size_t bytes) {
    if (pending_.room() >= bytes) return;
    pending_.grow(std::max(pending_.size() + bytes, 2 * pending_.capacity()));
  }

  Status flush() {
    const Status written = file_->append(pending_.view());
    pending_.clear();
    return written;
  }

  std::unique_ptr<WritableFile> file_;  // Null after finish().
  const BlockCompression compression_;
  const bool durable_;
  Buffer pending_;
  unsigned misses_ = 0;   // Grows with every block that did not shrink.
  unsigned untried_ = 0;  // Blocks to come that are stored as they are.
  std::vector<Segment> segments_;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<RunFileWriter>> create_run_file(FileSystem& files, const std::string& path,
                                                       BlockCompression compression) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.create(path));
  return make_run_file_writer(std::move(file), compression);
}

std::unique_ptr<RunFileWriter> make_run_file_writer(std::unique_ptr<WritableFile> file,
                                                    BlockCompression compression) {
  return std::make_unique<Writer>(std::move(file), compression, false);
}

Result<std::unique_ptr<RunFileWriter>> create_durable_run_file(FileSystem& files,
                                                               const std::string& path,
                                                               BlockCompression compression) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.create(path));
  return std::unique_ptr<RunFileWriter>(new Writer(std::move(file), compression, true));
}

}  // namespace fanfold::io
