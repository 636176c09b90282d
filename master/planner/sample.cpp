// Which bytes to sample for splitters: windows spread evenly over all the input.

#include <algorithm>
#include <iterator>
#include <map>

#include "master/planner/cut.hpp"

namespace fanfold::master {
namespace {

constexpr std::uint64_t kWindows = 64;
constexpr std::uint64_t kWindowBytes = 16u << 10;
/// A window over tiny files stops early: opening files is what sampling costs.
constexpr std::size_t kFilesPerWindow = 16;
/// Whole files are sampled whole, so only so much of them.
constexpr std::uint64_t kWholeFileBytes = 64u << 20;

struct Stretch {
  std::size_t file = 0;  // Index into the inputs.
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// Ascending and not overlapping.
std::vector<Stretch> spread(const std::vector<InputFile>& inputs) {
  std::uint64_t total = 0;
  for (const InputFile& input : inputs) total += input.size;
  const std::uint64_t windows = std::clamp<std::uint64_t>(total / kWindowBytes, 1, kWindows);
  const std::uint64_t stride = total / windows;  // At least a window, unless that is everything.
  std::vector<Stretch> stretches;
  std::size_t first = 0;     // The file that the window starts in ...
  std::uint64_t before = 0;  // ... and the bytes of all files before it.
  for (std::uint64_t window = 0; window < windows; ++window) {
    const std::uint64_t start = window * stride;
    while (first < inputs.size() && before + inputs[first].size <= start) {
      before += inputs[first++].size;
    }
    std::uint64_t offset = start - before;
    std::uint64_t left = kWindowBytes;
    const std::size_t stop = std::min(inputs.size(), first + kFilesPerWindow);
    for (std::size_t file = first; file < stop && left > 0; ++file, offset = 0) {
      const std::uint64_t bytes = std::min(left, inputs[file].size - offset);
      if (bytes != 0) stretches.push_back({file, offset, offset + bytes});
      left -= bytes;
    }
  }
  return stretches;
}

class Sampler {
 public:
  Sampler(io::FileSystem& files, const proto::JobSpec& spec) : files_(files), spec_(spec) {}

  /// Stretches of one file.
  Status add(const InputFile& input, const std::vector<Stretch>& stretches) {
    FANFOLD_ASSIGN_OR_RETURN(const io::Compression compression, compression_of(files_, input));
    if (spec_.format == abi::RecordFormat::kWholeFile) {
      if (sample_.bytes != 0 && sample_.bytes + input.size > kWholeFileBytes) return Status();
      add_piece(input, 0, input.size, compression, false);
      return Status();
    }
    const bool uncounted = spec_.format == abi::RecordFormat::kCsv && !host_of(input.path).empty();
    if (compression != io::Compression::kNone || uncounted) {
      // Only the front of a compressed file can be had without reading the rest.  Of CSV on a host
      // nobody has counted the quotes.
      std::uint64_t bytes = 0;
      for (const Stretch& stretch : stretches) bytes += stretch.end - stretch.begin;
      add_piece(input, 0, bytes, compression, false);
      return Status();
    }
    std::vector<bool> quoted(stretches.size(), false);
    if (spec_.format == abi::RecordFormat::kCsv) {
      std::vector<std::uint64_t> positions;
      for (const Stretch& stretch : stretches) positions.push_back(stretch.begin);
      FANFOLD_ASSIGN_OR_RETURN(quoted, quoted_at(files_, input, positions));
    }
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      add_piece(input, stretches[i].begin, stretches[i].end, compression, quoted[i]);
    }
    return Status();
  }

  proto::Split take() { return std::move(sample_); }

 private:
  void add_piece(const InputFile& input, std::uint64_t begin, std::uint64_t end,
                 io::Compression compression, bool quoted) {
    io::Piece piece;
    piece.path = input.path;
    piece.tag = input.tag;
    piece.begin = begin;
    piece.end = end;
    piece.compression = compression;
    piece.version = input.version;
    piece.quoted_at_begin = quoted;
    sample_.pieces.push_back(std::move(piece));
    sample_.bytes += end - begin;
  }

  io::FileSystem& files_;
  const proto::JobSpec& spec_;
  proto::Split sample_;
};

/// A sample is read in one place: where most of the input is.
std::vector<InputFile> in_one_place(const std::vector<InputFile>& inputs) {
  std::map<std::string_view, std::uint64_t> bytes;
  for (const InputFile& input : inputs) bytes[host_of(input.path)] += input.size;
  const auto most = std::max_element(
      bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::vector<InputFile> there;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(there),
               [&](const InputFile& input) { return host_of(input.path) == most->first; });
  return there;
}

Result<proto::Split> sample(io::FileSystem& files, const std::vector<InputFile>& inputs,
                            const proto::JobSpec& spec) {
  const std::vector<Stretch> stretches = spread(inputs);
  Sampler sampler(files, spec);
  for (std::size_t at = 0; at < stretches.size();) {
    const std::size_t file = stretches[at].file;
    std::vector<Stretch> of_file;
    for (; at < stretches.size() && stretches[at].file == file; ++at) {
      of_file.push_back(stretches[at]);
    }
    FANFOLD_RETURN_IF_ERROR(sampler.add(inputs[file], of_file));
  }
  return sampler.take();
}

}  // namespace

Result<proto::Split> choose_sample(io::FileSystem& files, const std::vector<InputFile>& inputs,
                                   const proto::JobSpec& spec) {
  const bool on_hosts = std::any_of(inputs.begin(), inputs.end(), [](const InputFile& input) {
    return !host_of(input.path).empty();
  });
  return on_hosts ? sample(files, in_one_place(inputs), spec) : sample(files, inputs, spec);
}

}  // namespace fanfold::master
