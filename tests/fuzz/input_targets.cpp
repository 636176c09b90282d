// Input of users: pieces of plain and compressed files in every record format.
// The promise: however a file is cut, its pieces together give its records once, in order.

#include <fanfold/records.hpp>

#include <optional>
#include <stdexcept>
#include <string>

#include "common/io/piece_reader.hpp"
#include "common/io/quotes.hpp"
#include "tests/fuzz/bytes_file_system.hpp"
#include "tests/fuzz/target.hpp"

namespace fanfold::fuzz {
namespace {

constexpr std::size_t kBytesMax = 4u << 20;  // Enough of what a bomb unpacks to.

/// What a job would do with a block.
template <class Format>
void read_records(const abi::InputBlock& block, Format format = Format()) {
  try {
    std::uint64_t last = 0;
    bool first = true;
    format.for_each(block, [&](auto&& record, std::uint64_t offset) {
      promise(first || offset > last, "offsets of records ascend");
      first = false;
      last = offset;
      if constexpr (requires { record.has("a"); }) static_cast<void>(record.has("a"));
      if constexpr (requires { record.string("a"); }) static_cast<void>(record.string("a"));
    });
  } catch (const std::runtime_error&) {
    // Malformed CSV or JSON, or a field of another type: the task fails with this text.
  } catch (const std::out_of_range&) {
    // No such field.
  }
}

void read_block(const abi::InputBlock& block, const io::ReadOptions& options) {
  switch (options.format) {
    case abi::RecordFormat::kLines:
      return read_records<Lines>(block);
    case abi::RecordFormat::kKeyValue:
      return read_records<KeyValueLines>(block);
    case abi::RecordFormat::kCsv:
      return read_records<Csv>(block);
    case abi::RecordFormat::kJsonLines:
      return read_records<JsonLines>(block);
    case abi::RecordFormat::kFixed: {
      FixedLength<> format;
      format.use_length(options.fixed_length);
      promise(block.bytes.size() % options.fixed_length == 0, "blocks hold whole records");
      return read_records(block, format);
    }
    case abi::RecordFormat::kWholeFile:
      return read_records<WholeFile>(block);
  }
}

/// All bytes of all blocks, or nullopt when the piece is refused.
std::optional<std::string> read_piece(io::FileSystem& files, const io::Piece& piece,
                                      const io::ReadOptions& options) {
  auto reader = io::open_piece(files, piece, options);
  if (!reader.ok()) return std::nullopt;
  std::string bytes;
  while (bytes.size() < kBytesMax) {
    const auto block = (*reader)->next();
    if (!block.ok()) return std::nullopt;
    if (!block->has_value()) break;
    const bool whole_file = options.format == abi::RecordFormat::kWholeFile;
    promise(whole_file || !(*block)->bytes.empty(), "blocks have bytes");
    if (!bytes.empty()) promise((*block)->offset != 0, "offsets of blocks move on");
    bytes += (*block)->bytes;
    read_block(**block, options);
  }
  static_cast<void>((*reader)->bytes_read());
  return bytes;
}

io::ReadOptions take_options(std::string_view& input) {
  io::ReadOptions options;
  const auto format = take<std::uint8_t>(input);
  options.format = static_cast<abi::RecordFormat>(1 + format % 6);
  options.csv_header = options.format == abi::RecordFormat::kCsv && (format & 0x80) != 0;
  options.fixed_length = 1 + take<std::uint8_t>(input) % 32;
  options.block_bytes = 1 + take<std::uint8_t>(input);
  options.record_bytes_max = 32 + take<std::uint8_t>(input) * 16u;
  return options;
}

/// options, cut, the file.
bool pieces(std::string_view input) {
  const io::ReadOptions options = take_options(input);
  const auto position = take<std::uint16_t>(input);
  BytesFileSystem files(input);
  io::Piece whole;
  whole.path = "f";
  whole.end = input.size();
  const auto all = read_piece(files, whole, options);
  if (!all || io::detect_compression(input) != io::Compression::kNone) return all.has_value();
  io::Piece left = whole;
  io::Piece right = whole;
  left.end = right.begin = input.empty() ? 0 : position % input.size();
  right.quoted_at_begin = io::count_quotes(input.substr(0, right.begin)) % 2 == 1;
  const auto first = read_piece(files, left, options);
  const auto second = read_piece(files, right, options);
  promise(first && second, "what can be read whole can be read in pieces");
  promise(right.begin == 0 || *first + *second == *all, "pieces together are the file");
  return true;
}

/// options, how much of the file to read, the file: gzip, zstd and lz4 are told by its first bytes.
bool compressed(std::string_view input) {
  const io::ReadOptions options = take_options(input);
  const auto cut = take<std::uint16_t>(input);
  io::Piece piece;
  piece.path = "f";
  piece.compression = io::detect_compression(input);
  piece.end = cut == 0 ? input.size() : std::min<std::size_t>(cut, input.size());
  BytesFileSystem files(input);
  const bool good = read_piece(files, piece, options).has_value();
  // Whatever the first bytes say, each decompressor must survive the rest.
  for (const io::Compression other :
       {io::Compression::kGzip, io::Compression::kZstd, io::Compression::kLz4}) {
    if (other == piece.compression) continue;
    piece.compression = other;
    read_piece(files, piece, options);
  }
  return good && io::detect_compression(input) != io::Compression::kNone;
}

constexpr Target kTargets[] = {{"pieces", &pieces}, {"compressed", &compressed}};

}  // namespace

std::span<const Target> input_targets() { return kTargets; }

}  // namespace fanfold::fuzz
