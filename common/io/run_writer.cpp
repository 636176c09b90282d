// Writing run files: blocks are gathered in one buffer, compressed in place, and appended in
// large pieces.

#include <lz4.h>

#include "common/core/check.hpp"
#include "common/io/buffer.hpp"
#include "common/io/run_file.hpp"
#include "common/io/run_format.hpp"

namespace fanfold::io {
namespace {

constexpr std::size_t kFlushBytes = 1u << 20;

/// A compressed block must save an eighth (12.5 %), or reading it costs more than it spares.
std::size_t worthwhile_size(std::size_t raw_bytes) { return raw_bytes - raw_bytes / 8; }

class Writer final : public RunFileWriter {
 public:
  Writer(std::unique_ptr<WritableFile> file, BlockCompression compression)
      : file_(std::move(file)), compression_(compression) {}

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
    const std::size_t stored = add_block(block);
    data_bytes_ += stored;
    Segment& segment = segments_.back();
    segment.stored_bytes += stored;
    segment.raw_bytes += block.size();
    segment.largest_block =
        std::max(segment.largest_block, static_cast<std::uint32_t>(block.size()));
    segment.summary.records += summary.records;
    segment.summary.sum += summary.sum;
    segment.summary.exclusive_or ^= summary.exclusive_or;
    return pending_.size() < kFlushBytes ? Status() : flush();
  }

  Status finish() override {
    FANFOLD_CHECK(file_ != nullptr);
    const Footer footer{data_bytes_, static_cast<std::uint32_t>(segments_.size())};
    pending_.grow(pending_.size() + segments_.size() * kIndexEntryBytes + kFooterBytes);
    for (std::uint32_t i = 0; i < footer.entries; ++i) {
      encode_index_entry(segments_[i], i, pending_.end());
      pending_.extend(kIndexEntryBytes);
    }
    encode_footer(footer, pending_.end());
    pending_.extend(kFooterBytes);
    file_bytes_ = data_bytes_ + footer.entries * kIndexEntryBytes + kFooterBytes;
    FANFOLD_RETURN_IF_ERROR(flush());
    const std::unique_ptr<WritableFile> file = std::move(file_);
    return file->close();
  }

  const std::vector<Segment>& segments() const override { return segments_; }
  std::uint64_t file_bytes() const override { return file_bytes_; }

 private:
  /// Adds header and bytes to `pending_`; gives their size.
  std::size_t add_block(std::string_view block) {
    const auto raw = static_cast<int>(block.size());
    const bool compress = compression_ == BlockCompression::kLz4;
    const std::size_t room = compress ? static_cast<std::size_t>(LZ4_compressBound(raw))  //
                                      : block.size();
    pending_.grow(pending_.size() + kBlockHeaderBytes + room);
    char* const stored = pending_.end() + kBlockHeaderBytes;
    int size = 0;
    if (compress) {
      // Given less room than the raw size LZ4 stops early on what it cannot shrink.
      size = LZ4_compress_default(block.data(), stored, raw,
                                  static_cast<int>(worthwhile_size(block.size())));
    }
    if (size == 0 || size == raw) {
      size = raw;
      std::memcpy(stored, block.data(), block.size());
    }
    BlockHeader header;
    header.raw_bytes = static_cast<std::uint32_t>(raw);
    header.stored_bytes = static_cast<std::uint32_t>(size);
    header.checksum = checksum_of_block(header.raw_bytes, {stored, header.stored_bytes});
    encode_block_header(header, pending_.end());
    pending_.extend(kBlockHeaderBytes + header.stored_bytes);
    return kBlockHeaderBytes + header.stored_bytes;
  }

  Status flush() {
    const Status written = file_->append(pending_.view());
    pending_.clear();
    return written;
  }

  std::unique_ptr<WritableFile> file_;  // Null after finish().
  const BlockCompression compression_;
  Buffer pending_;
  std::vector<Segment> segments_;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<RunFileWriter>> create_run_file(FileSystem& files, const std::string& path,
                                                       BlockCompression compression) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.create(path));
  return std::unique_ptr<RunFileWriter>(new Writer(std::move(file), compression));
}

}  // namespace fanfold::io
