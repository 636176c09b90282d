#include "master/planner/cut.hpp"

#include <algorithm>

#include "common/core/limits.hpp"
#include "common/io/quotes.hpp"

namespace fanfold::master {
namespace {

using abi::RecordFormat;

/// Paths in one split, so that its assignment fits a control frame.
constexpr std::size_t kPathBytesPerSplit = 1u << 20;
/// Enough to look behind a short skippable frame.
constexpr std::size_t kMagicBytes = 32;
constexpr std::size_t kScanBytes = 1u << 20;

const char* name_of(io::Compression compression) {
  switch (compression) {
    case io::Compression::kGzip:
      return "gzip";
    case io::Compression::kZstd:
      return "zstd";
    case io::Compression::kLz4:
      return "lz4";
    case io::Compression::kNone:
      break;
  }
  return "not";
}

class Cutter {
 public:
  Cutter(io::FileSystem& files, const proto::JobSpec& spec, const SplitSize& size,
         std::vector<std::string>& notes)
      : files_(files), spec_(spec), size_(size), notes_(notes) {}

  Result<std::vector<proto::Split>> cut(std::vector<InputFile> inputs) {
    FANFOLD_RETURN_IF_ERROR(check_count(inputs));
    // As many files in each split, if it is their number that fills splits: tasks of one length.
    const std::size_t full = inputs.size() / limits::kPiecesPerSplit + 1;
    pieces_max_ = (inputs.size() + full - 1) / full;
    for (InputFile& input : inputs) FANFOLD_RETURN_IF_ERROR(add_file(input));
    // One task over nothing, so that a job over no records still runs its mapper's finish().
    if (splits_.empty() && current_.pieces.empty()) pack(piece_of(inputs.front(), 0, 0));
    flush();
    if (large_files_ > 1) {
      notes_.push_back("and " + std::to_string(large_files_ - 1) +
                       " more large compressed files that one task each has to read");
    }
    return std::move(splits_);
  }

 private:
  /// Before anything is built: a tiny split size on a large input is a slip.
  Status check_count(const std::vector<InputFile>& inputs) const {
    std::uint64_t count = 0;
    for (const InputFile& input : inputs) count += input.size / size_.bytes;
    if (count <= limits::kSplits) return Status();
    return Status(StatusCode::kInvalidArgument,
                  "a split size of " + std::to_string(size_.bytes) + " bytes makes about " +
                      std::to_string(count) + " splits of this input; the limit is " +
                      std::to_string(limits::kSplits) + ": choose a larger split size");
  }

  /// Takes the names out of `input` if it becomes one piece.
  Status add_file(InputFile& input) {
    if (input.size == 0 && spec_.format != RecordFormat::kWholeFile) return Status();
    io::Compression compression = io::Compression::kNone;
    const bool ragged =
        spec_.format == RecordFormat::kFixed && input.size % spec_.fixed_length != 0;
    // Only what will be cut or refused is opened; readers recognise the rest for themselves.
    if (input.size > size_.bytes || ragged) {
      FANFOLD_ASSIGN_OR_RETURN(compression, compression_of(files_, input));
    }
    if (compression != io::Compression::kNone) {
      note_large(input, compression);
      pack_whole(input, compression);
      return Status();
    }
    if (ragged) {
      return Status(StatusCode::kInvalidArgument,
                    "input " + input.path + " has " + std::to_string(input.size) +
                        " bytes, which is not a multiple of the record length, " +
                        std::to_string(spec_.fixed_length));
    }
    const bool on_host = !host_of(input.path).empty();
    if (on_host && spec_.format == RecordFormat::kCsv && input.size > size_.bytes) {
      note_uncut_csv(input);
      pack_whole(input, compression);
      return Status();
    }
    if (input.size <= size_.bytes || spec_.format == RecordFormat::kWholeFile) {
      pack_whole(input, compression);
      return Status();
    }
    return add_in_pieces(input);
  }

  Status add_in_pieces(const InputFile& input) {
    const std::uint64_t count = (input.size + size_.bytes - 1) / size_.bytes;
    const std::uint64_t step = size_.exact ? size_.bytes : (input.size + count - 1) / count;
    std::vector<std::uint64_t> cuts;
    for (std::uint64_t at = step; at < input.size; at += step) cuts.push_back(at);
    std::vector<bool> quoted(cuts.size(), false);
    if (spec_.format == RecordFormat::kCsv) {
      FANFOLD_ASSIGN_OR_RETURN(quoted, quoted_at(files_, input, cuts));
    }
    pack(piece_of(input, 0, step));
    for (std::size_t i = 0; i < cuts.size(); ++i) {
      io::Piece piece = piece_of(input, cuts[i], std::min(cuts[i] + step, input.size));
      piece.quoted_at_begin = quoted[i];
      pack(std::move(piece));
    }
    return Status();
  }

  static io::Piece piece_of(const InputFile& input, std::uint64_t begin, std::uint64_t end) {
    io::Piece piece;
    piece.path = input.path;
    piece.tag = input.tag;
    piece.begin = begin;
    piece.end = end;
    piece.version = input.version;
    return piece;
  }

  void pack_whole(InputFile& input, io::Compression compression) {
    io::Piece piece;
    piece.path = std::move(input.path);
    piece.tag = std::move(input.tag);
    piece.version = std::move(input.version);
    piece.end = input.size;
    piece.compression = compression;
    pack(std::move(piece));
  }

  void pack(io::Piece piece) {
    const std::uint64_t bytes = piece.end - piece.begin;
    // A split is read in one place.
    const bool elsewhere =
        !current_.pieces.empty() && host_of(current_.pieces.back().path) != host_of(piece.path);
    const bool full = elsewhere || current_.bytes + bytes > size_.bytes ||
                      current_.pieces.size() >= pieces_max_ || path_bytes_ >= kPathBytesPerSplit;
    if (full && !current_.pieces.empty()) flush();
    current_.bytes += bytes;
    path_bytes_ += piece.path.size() + piece.version.size();
    current_.pieces.push_back(std::move(piece));
  }

  void flush() {
    if (current_.pieces.empty()) return;
    splits_.push_back(std::move(current_));
    current_ = proto::Split();
    path_bytes_ = 0;
  }

  void note_large(const InputFile& input, io::Compression compression) {
    if (input.size / 2 < size_.bytes || ++large_files_ > 1) return;
    notes_.push_back(input.path + " (" + readable_bytes(input.size) + ") is " +
                     name_of(compression) +
                     "-compressed and cannot be split: one task reads all of it; use several "
                     "smaller files, or uncompressed ones, to spread the work");
  }

  /// Where it may be cut depends on the quotes before, and nobody has counted them.
  void note_uncut_csv(const InputFile& input) {
    if (++uncut_csv_ > 1) return;
    notes_.push_back(input.path + " (" + readable_bytes(input.size) +
                     ") is CSV on a host and is not split: one task reads all of it");
  }

  io::FileSystem& files_;
  const proto::JobSpec& spec_;
  const SplitSize size_;
  std::vector<std::string>& notes_;
  std::vector<proto::Split> splits_;
  proto::Split current_;
  std::size_t pieces_max_ = limits::kPiecesPerSplit;  // Of a split.
  std::size_t path_bytes_ = 0;
  std::uint32_t large_files_ = 0;
  std::uint32_t uncut_csv_ = 0;
};

}  // namespace

Result<std::vector<proto::Split>> cut_into_splits(io::FileSystem& files,
                                                  std::vector<InputFile> inputs,
                                                  const proto::JobSpec& spec, const SplitSize& size,
                                                  std::vector<std::string>& notes) {
  return Cutter(files, spec, size, notes).cut(std::move(inputs));
}

Result<io::Compression> compression_of(io::FileSystem& files, const InputFile& input) {
  if (!host_of(input.path).empty()) return input.compression;
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open_version(input.path, input.version));
  char first[kMagicBytes];
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(0, first));
  return io::detect_compression({first, count});
}

Result<std::vector<bool>> quoted_at(io::FileSystem& files, const InputFile& input,
                                    const std::vector<std::uint64_t>& positions) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open_version(input.path, input.version));
  if (!positions.empty()) file->will_read(0, positions.back());
  std::vector<bool> quoted;
  quoted.reserve(positions.size());
  std::string buffer(kScanBytes, '\0');
  std::uint64_t offset = 0;  // Of the buffer in the file.
  std::size_t held = 0;
  std::uint64_t counted = 0;  // Up to here.
  bool inside = false;
  for (const std::uint64_t position : positions) {
    while (counted < position) {
      if (counted == offset + held) {
        offset = counted;
        FANFOLD_ASSIGN_OR_RETURN(held, file->read_at(offset, buffer));
        if (held == 0) {
          return Status(StatusCode::kIoError,
                        input.path + " shrank while the job was being planned");
        }
      }
      const std::uint64_t stop = std::min<std::uint64_t>(position, offset + held);
      const std::string_view bytes(buffer.data() + (counted - offset), stop - counted);
      inside ^= (io::count_quotes(bytes) & 1) != 0;
      counted = stop;
    }
    quoted.push_back(inside);
  }
  return quoted;
}

}  // namespace fanfold::master
