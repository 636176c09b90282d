#include "tests/io/compressed_samples.hpp"

#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>

#include "common/core/check.hpp"

namespace fanfold::io {
namespace {

std::string gzipped(std::string_view bytes) {
  z_stream stream{};
  FANFOLD_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  FANFOLD_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd_frame(std::string_view bytes) {
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size =
      ZSTD_compress2(context, out.data(), out.size(), bytes.data(), bytes.size());
  ZSTD_freeCCtx(context);
  FANFOLD_CHECK(ZSTD_isError(size) == 0);
  out.resize(size);
  return out;
}

std::string lz4_frame(std::string_view bytes) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  std::string out(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  const std::size_t size =
      LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), &preferences);
  FANFOLD_CHECK(LZ4F_isError(size) == 0);
  out.resize(size);
  return out;
}

}  // namespace

std::string compressed(Compression compression, std::string_view bytes) {
  switch (compression) {
    case Compression::kGzip:
      return gzipped(bytes);
    case Compression::kZstd:
      return zstd_frame(bytes);
    case Compression::kLz4:
      return lz4_frame(bytes);
    case Compression::kNone:
      break;
  }
  return std::string(bytes);
}

}  // namespace fanfold::io
