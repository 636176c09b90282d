// Part files: whole buffers go through the compressor in fixed units, so that the bytes on disk
// depend on the bytes written and not on how the writes were cut.

#include "common/io/part_file.hpp"

#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

#include "common/core/check.hpp"
#include "common/io/buffer.hpp"
#include "common/io/checked_part.hpp"
#include "common/io/unseen_part.hpp"

namespace fanfold::io {
namespace {

constexpr std::size_t kUnitBytes = 256u << 10;
constexpr std::size_t kSyncBytes = 8u << 20;
constexpr int kGzipLevel = 6;
constexpr int kZstdLevel = 3;

class Digest {
 public:
  Digest() : state_(XXH3_createState()) {
    FANFOLD_CHECK(state_ != nullptr && XXH3_64bits_reset(state_) == XXH_OK);
  }
  Digest(const Digest&) = delete;
  ~Digest() { XXH3_freeState(state_); }
  void add(std::string_view bytes) {
    XXH3_64bits_update(state_, bytes.data(), bytes.size());
    bytes_ += bytes.size();
  }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t checksum() const { return XXH3_64bits_digest(state_); }

 private:
  XXH3_state_t* state_;
  std::uint64_t bytes_ = 0;
};

/// What turns a unit of bytes into the bytes to store.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Appends to `out`; `last` ends the stream.
  virtual void encode(std::string_view bytes, bool last, Buffer& out) = 0;
};

class GzipEncoder final : public Encoder {
 public:
  GzipEncoder() {
    // 15 + 16: the largest window, gzip framing with an empty name and time.
    FANFOLD_CHECK(deflateInit2(&stream_, kGzipLevel, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
                  Z_OK);
  }
  GzipEncoder(const GzipEncoder&) = delete;
  ~GzipEncoder() override { deflateEnd(&stream_); }

  void encode(std::string_view bytes, bool last, Buffer& out) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (true) {
      out.grow(out.size() + kUnitBytes);
      stream_.next_out = reinterpret_cast<Bytef*>(out.end());
      stream_.avail_out = static_cast<uInt>(kUnitBytes);
      const int code = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      FANFOLD_CHECK(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR);
      out.extend(kUnitBytes - stream_.avail_out);
      if (last ? code == Z_STREAM_END : stream_.avail_out != 0) return;
    }
  }

 private:
  z_stream stream_{};
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder() : context_(ZSTD_createCCtx()) {
    FANFOLD_CHECK(context_ != nullptr);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
  }
  ZstdEncoder(const ZstdEncoder&) = delete;
  ~ZstdEncoder() override { ZSTD_freeCCtx(context_); }

  void encode(std::string_view bytes, bool last, Buffer& out) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (true) {
      out.grow(out.size() + kUnitBytes);
      ZSTD_outBuffer space{out.end(), kUnitBytes, 0};
      const std::size_t left =
          ZSTD_compressStream2(context_, &space, &in, last ? ZSTD_e_end : ZSTD_e_continue);
      FANFOLD_CHECK(ZSTD_isError(left) == 0);
      out.extend(space.pos);
      if (last ? left == 0 : in.pos == in.size) return;
    }
  }

 private:
  ZSTD_CCtx* context_;
};

std::unique_ptr<Encoder> make_encoder(PartCompression compression) {
  switch (compression) {
    case PartCompression::kGzip:
      return std::make_unique<GzipEncoder>();
    case PartCompression::kZstd:
      return std::make_unique<ZstdEncoder>();
    case PartCompression::kNone:
      break;
  }
  return nullptr;
}

class Writer final : public PartWriter {
 public:
  Writer(std::unique_ptr<WritableFile> file, std::string name, PartCompression compression)
      : file_(std::move(file)), encoder_(make_encoder(compression)) {
    info_.name = std::move(name);
  }

  Status write(std::string_view bytes, std::uint64_t records) override {
    FANFOLD_CHECK(file_ != nullptr);
    info_.records += records;
    // Without a compressor the bytes on disk are those written, however they are cut.
    if (encoder_ == nullptr && bytes.size() >= kUnitBytes / 2) {
      FANFOLD_RETURN_IF_ERROR(flush(false));
      return store(bytes);
    }
    if (unit_.capacity() == 0) unit_.grow(kUnitBytes);
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), unit_.room());
      std::memcpy(unit_.end(), bytes.data(), count);
      unit_.extend(count);
      bytes.remove_prefix(count);
      if (unit_.room() == 0) FANFOLD_RETURN_IF_ERROR(flush(false));
    }
    return Status();
  }

  Status finish() override {
    FANFOLD_CHECK(file_ != nullptr);
    FANFOLD_RETURN_IF_ERROR(flush(true));
    FANFOLD_RETURN_IF_ERROR(file_->sync());
    const std::unique_ptr<WritableFile> file = std::move(file_);
    FANFOLD_RETURN_IF_ERROR(file->close());
    info_.bytes = digest_.bytes();
    info_.checksum = digest_.checksum();
    return Status();
  }

  const PartInfo& info() const override { return info_; }

 private:
  Status flush(bool last) {
    std::string_view stored = unit_.view();
    if (encoder_ != nullptr) {
      encoded_.clear();
      encoder_->encode(unit_.view(), last, encoded_);
      stored = encoded_.view();
    }
    unit_.clear();
    return store(stored);
  }

  Status store(std::string_view bytes) {
    if (bytes.empty()) return Status();
    digest_.add(bytes);
    FANFOLD_RETURN_IF_ERROR(file_->append(bytes));
    unsynced_ += bytes.size();
    if (unsynced_ >= kSyncBytes) {
      // The disk works while the task does.
      file_->start_sync();
      unsynced_ = 0;
    }
    return Status();
  }

  std::unique_ptr<WritableFile> file_;  // Null after finish().
  std::unique_ptr<Encoder> encoder_;    // Null: stored as it is.
  Buffer unit_;
  Buffer encoded_;
  Digest digest_;
  std::size_t unsynced_ = 0;
  PartInfo info_;
};

class CheckedPart final : public ReadableFile {
 public:
  CheckedPart(std::unique_ptr<ReadableFile> file, std::string path, const PartInfo& info)
      : file_(std::move(file)), path_(std::move(path)), info_(info) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    // Never more than there was: a file that grows meanwhile has another checksum, or none.
    const std::uint64_t left = info_.bytes - std::min(offset, info_.bytes);
    if (buffer.size() > left) buffer = buffer.first(static_cast<std::size_t>(left));
    if (buffer.empty()) return std::size_t{0};
    FANFOLD_CHECK(offset == digest_.bytes());
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file_->read_at(offset, buffer));
    if (count < buffer.size()) return changed("it shrank");
    digest_.add({buffer.data(), count});
    if (digest_.bytes() == info_.bytes && digest_.checksum() != info_.checksum) {
      return changed("its checksum differs");
    }
    return count;
  }
  Result<std::uint64_t> size() override { return info_.bytes; }
  void will_read(std::uint64_t begin, std::uint64_t end) override { file_->will_read(begin, end); }

 private:
  Status changed(const std::string& how) const {
    return Status(StatusCode::kCorruption, path_ + " is not what its attempt wrote: " + how);
  }

  std::unique_ptr<ReadableFile> file_;
  const std::string path_;
  const PartInfo info_;
  Digest digest_;
};

std::string padded(std::uint32_t number) {
  std::string digits = std::to_string(number);
  return digits.size() < 5 ? std::string(5 - digits.size(), '0') + digits : digits;
}

}  // namespace

Result<std::unique_ptr<PartWriter>> create_part(FileSystem& files, const std::string& path,
                                                const std::string& name,
                                                PartCompression compression) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.create(path));
  return std::unique_ptr<PartWriter>(new Writer(std::move(file), name, compression));
}

Result<std::unique_ptr<PartWriter>> create_unseen_part(FileSystem& files, const std::string& path,
                                                       const std::string& target,
                                                       const std::string& name,
                                                       PartCompression compression) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.create_unseen(path, target));
  return std::unique_ptr<PartWriter>(new Writer(std::move(file), name, compression));
}

Result<std::unique_ptr<ReadableFile>> open_checked_part(FileSystem& files, const std::string& path,
                                                        const PartInfo& info) {
  FANFOLD_ASSIGN_OR_RETURN(std::unique_ptr<ReadableFile> file, files.open(path));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  if (size != info.bytes) {
    return Status(StatusCode::kCorruption, path + " is not what its attempt wrote: it has " +
                                               std::to_string(size) + " bytes instead of " +
                                               std::to_string(info.bytes));
  }
  return std::unique_ptr<ReadableFile>(new CheckedPart(std::move(file), path, info));
}

std::string_view suffix_of(PartCompression compression) {
  switch (compression) {
    case PartCompression::kGzip:
      return ".gz";
    case PartCompression::kZstd:
      return ".zst";
    case PartCompression::kNone:
      break;
  }
  return "";
}

std::string part_name(std::string_view output, std::uint32_t partition, std::uint32_t partitions,
                      PartCompression compression) {
  std::string name(output.empty() ? "part" : output);
  name += "-" + padded(partition) + "-of-" + padded(partitions);
  return name.append(suffix_of(compression));
}

std::string map_part_name(std::string_view output, PartCompression compression) {
  return std::string(output).append("-map").append(suffix_of(compression));
}

Result<FileDigest> digest_file(FileSystem& files, const std::string& path) {
  constexpr std::size_t kReadBytes = 1u << 20;
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open(path));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  // One byte more than the file has, so that a short read shows its end.
  Buffer buffer(std::min<std::uint64_t>(size + 1, kReadBytes));
  Digest digest;
  file->will_read(0, size);
  while (true) {
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count,
                             file->read_at(digest.bytes(), {buffer.data(), buffer.capacity()}));
    digest.add({buffer.data(), count});
    if (count < buffer.capacity()) break;
  }
  return FileDigest{digest.bytes(), digest.checksum()};
}

}  // namespace fanfold::io
