// gzip, zstd and lz4 input: members and frames one after the other, decoded as one stream.

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/core/check.hpp"
#include "common/io/byte_source.hpp"
#include "common/io/compressed_input.hpp"

namespace fanfold::io {
namespace {

class CompressedSource : public ByteSource {
 public:
  explicit CompressedSource(CompressedInput input) : input_(std::move(input)) {}
  std::uint64_t file_bytes_read() const override { return input_.position(); }
  bool cut_short() const override { return input_.cut_short(); }

 protected:
  CompressedInput input_;
};

class GzipSource final : public CompressedSource {
 public:
  explicit GzipSource(CompressedInput input) : CompressedSource(std::move(input)) {
    // 15 + 16: the largest window, gzip framing.  Fails for want of memory only.
    FANFOLD_CHECK(inflateInit2(&stream_, 15 + 16) == Z_OK);
  }
  GzipSource(const GzipSource&) = delete;
  ~GzipSource() override { inflateEnd(&stream_); }

  Result<std::size_t> read(std::span<char> buffer) override {
    FANFOLD_CHECK(!buffer.empty());
    const std::size_t room = std::min<std::size_t>(buffer.size(), 1u << 30);
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(room);
    while (stream_.avail_out == room) {
      FANFOLD_RETURN_IF_ERROR(input_.fill());
      if (between_members_) {
        FANFOLD_ASSIGN_OR_RETURN(const bool more, start_member());
        if (!more) return std::size_t{0};
        continue;
      }
      if (input_.at_end() && input_.cut_short()) return std::size_t{0};
      if (input_.at_end()) return input_.truncated("gzip", "gzip -t");
      FANFOLD_RETURN_IF_ERROR(decode());
    }
    return room - stream_.avail_out;
  }

 private:
  Status decode() {
    const std::string_view bytes = input_.unused();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    input_.consume(bytes.size() - stream_.avail_in);
    if (code == Z_STREAM_END) {
      between_members_ = true;
      return Status();
    }
    if (code == Z_OK || code == Z_BUF_ERROR) return Status();
    return input_.damaged("gzip", stream_.msg != nullptr ? stream_.msg : "undecodable");
  }

  /// False at the end of the file.  Zeros after the last member are padding, as gzip has it.
  Result<bool> start_member() {
    if (input_.at_end()) return false;
    if (input_.unused().front() == '\0' && members_ > 0) {
      padding_ = true;
      input_.consume(1);
      return true;
    }
    if (padding_ || (members_ > 0 && input_.unused().front() != '\x1f')) {
      return input_.damaged("gzip", "something else follows the compressed data");
    }
    between_members_ = false;
    ++members_;
    FANFOLD_CHECK(inflateReset(&stream_) == Z_OK);
    return true;
  }

  z_stream stream_{};
  bool between_members_ = true;
  bool padding_ = false;
  std::uint64_t members_ = 0;
};

class ZstdSource final : public CompressedSource {
 public:
  explicit ZstdSource(CompressedInput input)
      : CompressedSource(std::move(input)), stream_(ZSTD_createDStream()) {
    FANFOLD_CHECK(stream_ != nullptr);
  }
  ZstdSource(const ZstdSource&) = delete;
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

  Result<std::size_t> read(std::span<char> buffer) override {
    ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
    while (out.pos == 0) {
      FANFOLD_RETURN_IF_ERROR(input_.fill());
      // At the end of the input decoded bytes may still wait inside, so ask before giving up.
      const bool ended = input_.at_end();
      if (ended && (frame_done_ || input_.cut_short())) return std::size_t{0};
      const std::string_view bytes = input_.unused();
      ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
      const std::size_t hint = ZSTD_decompressStream(stream_, &out, &in);
      input_.consume(in.pos);
      if (ZSTD_isError(hint) != 0) return error_of(hint);
      frame_done_ = hint == 0;
      if (ended && out.pos == 0 && !frame_done_) return input_.truncated("zstd", "zstd -t");
    }
    return out.pos;
  }

 private:
  Status error_of(std::size_t code) const {
    if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge) {
      return input_.damaged("zstd",
                            "its window is larger than 128 MiB (written with --long=28 or "
                            "more?), so compress it again without that");
    }
    return input_.damaged("zstd", ZSTD_getErrorName(code));
  }

  ZSTD_DStream* stream_;
  bool frame_done_ = true;
};

class Lz4Source final : public CompressedSource {
 public:
  explicit Lz4Source(CompressedInput input) : CompressedSource(std::move(input)) {
    FANFOLD_CHECK(LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)) == 0);
  }
  Lz4Source(const Lz4Source&) = delete;
  ~Lz4Source() override { LZ4F_freeDecompressionContext(context_); }

  Result<std::size_t> read(std::span<char> buffer) override {
    while (true) {
      FANFOLD_RETURN_IF_ERROR(input_.fill());
      const bool ended = input_.at_end();
      if (ended && (frame_done_ || input_.cut_short())) return std::size_t{0};
      const std::string_view bytes = input_.unused();
      std::size_t produced = buffer.size();
      std::size_t consumed = bytes.size();
      const std::size_t hint =
          LZ4F_decompress(context_, buffer.data(), &produced, bytes.data(), &consumed, nullptr);
      input_.consume(consumed);
      if (LZ4F_isError(hint) != 0) return input_.damaged("lz4", LZ4F_getErrorName(hint));
      frame_done_ = hint == 0;
      if (produced != 0) return produced;
      if (ended && !frame_done_) return input_.truncated("lz4", "lz4 -t");
    }
  }

 private:
  LZ4F_dctx* context_ = nullptr;
  bool frame_done_ = true;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> open_decompressor(std::unique_ptr<ReadableFile> file,
                                                      std::string path, Compression compression,
                                                      std::uint64_t end) {
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  CompressedInput input(std::move(file), std::move(path), size, end);
  std::unique_ptr<ByteSource> source;
  switch (compression) {
    case Compression::kGzip:
      source = std::make_unique<GzipSource>(std::move(input));
      break;
    case Compression::kZstd:
      source = std::make_unique<ZstdSource>(std::move(input));
      break;
    case Compression::kLz4:
      source = std::make_unique<Lz4Source>(std::move(input));
      break;
    case Compression::kNone:
      break;
  }
  FANFOLD_CHECK(source != nullptr);
  return source;
}

}  // namespace fanfold::io
