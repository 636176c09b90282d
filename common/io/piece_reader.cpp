// Opening a piece: which bytes, through which decompressor, for which record format.

#include "common/io/piece_reader.hpp"

#include "common/io/byte_source.hpp"
#include "common/io/little_endian.hpp"
#include "common/io/piece_readers.hpp"

namespace fanfold::io {
namespace {

/// The shortest magic number, that of gzip.
constexpr std::uint64_t kMagicBytesMin = 3;
constexpr std::uint32_t kZstdMagic = 0xfd2fb528;
constexpr std::uint32_t kLz4Magic = 0x184d2204;
constexpr std::uint32_t kSkippableMagic = 0x184d2a50;  // And the next 15: shared by zstd and lz4.

bool is_text(abi::RecordFormat format) {
  switch (format) {
    case abi::RecordFormat::kLines:
    case abi::RecordFormat::kKeyValue:
    case abi::RecordFormat::kCsv:
    case abi::RecordFormat::kJsonLines:
      return true;
    case abi::RecordFormat::kFixed:
    case abi::RecordFormat::kWholeFile:
      return false;
  }
  return false;
}

Status check(const Piece& piece, const ReadOptions& options) {
  if (piece.begin > piece.end || (piece.begin != 0 && piece.compression != Compression::kNone)) {
    return Status(StatusCode::kInvalidArgument,
                  "not a piece of a file: bytes " + std::to_string(piece.begin) + " to " +
                      std::to_string(piece.end) + " of " + piece.path);
  }
  if (options.format != abi::RecordFormat::kFixed) return Status();
  if (options.fixed_length == 0 || options.fixed_length > options.record_bytes_max) {
    return Status(StatusCode::kInvalidArgument,
                  "cannot read " + piece.path + ": a record length of " +
                      std::to_string(options.fixed_length) + " bytes is not between 1 and " +
                      std::to_string(options.record_bytes_max));
  }
  return Status();
}

/// Where reading starts so that the first record of the piece can be found.
std::uint64_t first_byte(const Piece& piece, const ReadOptions& options) {
  if (is_text(options.format)) return piece.begin == 0 ? 0 : piece.begin - 1;
  if (options.format == abi::RecordFormat::kWholeFile) return 0;
  return (piece.begin + options.fixed_length - 1) / options.fixed_length * options.fixed_length;
}

Result<RecordWindow> open_plain(FileSystem& files, const Piece& piece, std::uint64_t offset) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.open_version(piece.path, piece.version));
  return RecordWindow(make_range_source(std::move(file), piece.path, offset, piece.end), offset);
}

Result<RecordWindow> open_compressed(FileSystem& files, const Piece& piece, std::uint64_t end) {
  FANFOLD_ASSIGN_OR_RETURN(auto file, files.open_version(piece.path, piece.version));
  FANFOLD_ASSIGN_OR_RETURN(auto source,
                           open_decompressor(std::move(file), piece.path, piece.compression, end));
  return RecordWindow(std::move(source), 0);
}

/// How much of a plain piece to read first: what its reader will want of it anyway.
std::size_t first_fill(const Piece& piece, const ReadOptions& options) {
  const std::uint64_t whole = piece.end - piece.begin;
  const std::uint64_t block = std::min(options.block_bytes, options.record_bytes_max + 1);
  if (options.format == abi::RecordFormat::kFixed) {
    const std::uint64_t length = options.fixed_length;
    const std::uint64_t records =
        std::min((whole + length - 1) / length, std::max<std::uint64_t>(block / length, 1));
    return std::max<std::uint64_t>(records * length, 16);
  }
  return std::min<std::uint64_t>(whole, block);
}

/// The planner leaves files that it does not cut unopened, so their compression is noticed here:
/// the bytes read to look at are the ones to be handed out.
Result<RecordWindow> open_window(FileSystem& files, Piece& piece, const ReadOptions& options) {
  if (piece.compression != Compression::kNone) return open_compressed(files, piece, piece.end);
  FANFOLD_ASSIGN_OR_RETURN(RecordWindow window,
                           open_plain(files, piece, first_byte(piece, options)));
  if (piece.begin != 0 || piece.end < kMagicBytesMin) return window;
  FANFOLD_RETURN_IF_ERROR(window.fill(first_fill(piece, options)));
  piece.compression = detect_compression(window.view());
  if (piece.compression == Compression::kNone) return window;
  return open_compressed(files, piece, UINT64_MAX);
}

Result<std::unique_ptr<PieceReader>> open_csv(FileSystem& files, RecordWindow window, Piece piece,
                                              const ReadOptions& options) {
  if (!options.csv_header) return make_csv_reader(std::move(window), piece, options, "");
  if (piece.begin == 0) {
    FANFOLD_ASSIGN_OR_RETURN(std::string header, take_csv_header(window, piece, options));
    return make_csv_reader(std::move(window), piece, options, std::move(header));
  }
  Piece front = piece;
  front.end = 0;  // Whatever there is: the window must not insist on the piece's bytes.
  FANFOLD_ASSIGN_OR_RETURN(RecordWindow first, open_plain(files, front, 0));
  FANFOLD_ASSIGN_OR_RETURN(std::string header, take_csv_header(first, piece, options));
  if (first.offset() >= piece.begin) {
    // The header reaches into this piece, so its end is where the first record starts.
    piece.begin = std::min(first.offset(), piece.end);
    piece.quoted_at_begin = false;
    FANFOLD_ASSIGN_OR_RETURN(window, open_plain(files, piece, first.offset()));
  }
  return make_csv_reader(std::move(window), piece, options, std::move(header));
}

}  // namespace

Compression detect_compression(std::string_view first_bytes) {
  // Skippable frames say nothing of the format; what follows them does.
  while (first_bytes.size() >= 8 &&
         (load<std::uint32_t>(first_bytes.data()) & 0xfffffff0) == kSkippableMagic) {
    const std::uint64_t frame = 8 + std::uint64_t{load<std::uint32_t>(first_bytes.data() + 4)};
    if (frame + 4 > first_bytes.size()) return Compression::kZstd;
    first_bytes.remove_prefix(frame);
  }
  if (first_bytes.starts_with("\x1f\x8b\x08")) return Compression::kGzip;
  if (first_bytes.size() < 4) return Compression::kNone;
  const auto magic = load<std::uint32_t>(first_bytes.data());
  if (magic == kZstdMagic) return Compression::kZstd;
  if (magic == kLz4Magic) return Compression::kLz4;
  return Compression::kNone;
}

Result<std::unique_ptr<PieceReader>> open_piece(FileSystem& files, const Piece& piece,
                                                const ReadOptions& options) {
  FANFOLD_RETURN_IF_ERROR(check(piece, options));
  Piece known = piece;
  FANFOLD_ASSIGN_OR_RETURN(RecordWindow window, open_window(files, known, options));
  switch (options.format) {
    case abi::RecordFormat::kLines:
    case abi::RecordFormat::kKeyValue:
    case abi::RecordFormat::kJsonLines:
      return make_line_reader(std::move(window), known, options);
    case abi::RecordFormat::kCsv:
      return open_csv(files, std::move(window), std::move(known), options);
    case abi::RecordFormat::kFixed:
      return make_fixed_reader(std::move(window), known, options);
    case abi::RecordFormat::kWholeFile:
      return make_whole_file_reader(std::move(window), known, options);
  }
  return Status(StatusCode::kInvalidArgument,
                "unknown record format " + std::to_string(static_cast<int>(options.format)));
}

}  // namespace fanfold::io
