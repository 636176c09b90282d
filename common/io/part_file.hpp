// Output files of a job: bytes appended in blocks, optionally compressed, with size and checksum.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::io {

enum class PartCompression : std::uint8_t { kNone = 0, kGzip = 1, kZstd = 2 };

/// What the manifest says of one file.
struct PartInfo {
  std::string name;         // In the output directory.
  std::uint64_t bytes = 0;  // On disk.
  std::uint64_t records = 0;
  std::uint64_t checksum = 0;  // XXH3-64 of the bytes on disk.
};

class PartWriter {
 public:
  virtual ~PartWriter() = default;
  virtual Status write(std::string_view bytes, std::uint64_t records) = 0;
  /// Flushes, syncs and closes; then info() is complete.
  virtual Status finish() = 0;
  virtual const PartInfo& info() const = 0;
};

/// `path` is created; `name` is what the manifest will call it.
Result<std::unique_ptr<PartWriter>> create_part(FileSystem& files, const std::string& path,
                                                const std::string& name,
                                                PartCompression compression);

/// ".gz", ".zst" or "".
std::string_view suffix_of(PartCompression compression);

/// Of a reduce task's file: "part-00003-of-00008.gz"; a named output comes as "NAME-00003-of-...".
std::string part_name(std::string_view output, std::uint32_t partition, std::uint32_t partitions,
                      PartCompression compression);

/// Whether such a file is of the job itself, and not of a named output.
constexpr bool is_part_name(std::string_view file) {
  const auto take = [&file](std::string_view word) {
    const bool there = file.starts_with(word);
    if (there) file.remove_prefix(word.size());
    return there;
  };
  const auto take_number = [&file] {
    std::size_t digits = 0;
    while (digits < file.size() && file[digits] >= '0' && file[digits] <= '9') ++digits;
    file.remove_prefix(digits);
    return digits >= 5;
  };
  if (!take("part-") || !take_number() || !take("-of-") || !take_number()) return false;
  return file.empty() || file == ".gz" || file == ".zst";
}

/// Of a map task's named output: "NAME-map.gz".  Every map task writes it under this same name, in
/// its own attempt directory; publishing joins them in the order of the splits.
std::string map_part_name(std::string_view output, PartCompression compression);

/// XXH3-64 and size of a file as it is on disk.
struct FileDigest {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};
Result<FileDigest> digest_file(FileSystem& files, const std::string& path);

}  // namespace fanfold::io
