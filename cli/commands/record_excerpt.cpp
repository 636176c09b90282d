#include "cli/commands/record_excerpt.hpp"

#include <algorithm>
#include <fstream>

#include "common/io/piece_reader.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kExcerptBytes = 80;
/// Longer than every magic number.
constexpr std::size_t kMagicBytes = 8;

std::string read_at(std::ifstream& file, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return bytes;
}

}  // namespace

std::string record_excerpt(const proto::FailureReport& failure) {
  if (failure.record_file.empty()) return "";
  std::ifstream file(failure.record_file, std::ios::binary);
  if (!file) return "";
  const std::string magic = read_at(file, 0, kMagicBytes);
  if (io::detect_compression(magic) != io::Compression::kNone) return "";
  std::string bytes = read_at(file, failure.record_offset, kExcerptBytes + 1);
  if (bytes.empty()) return "";
  const std::size_t end = bytes.find('\n');
  const bool cut = end == std::string::npos && bytes.size() > kExcerptBytes;
  bytes.resize(std::min({bytes.size(), end, kExcerptBytes}));
  return "\"" + printable(bytes, false) + (cut ? "...\"" : "\"");
}

}  // namespace fanfold::cli
