// The files of one kind of results: SUCCEEDED_0.json, SUCCEEDED_1.json, ...

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/part_file.hpp"

namespace fanfold::cli {

class EntryFiles {
 public:
  struct Options {
    std::string directory;
    std::string kind;  // "SUCCEEDED"
    bool json_lines = false;
    std::uint64_t bytes_max = 256u << 20;  // Beyond that another file begins.
    std::uint32_t first = 0;
  };
  EntryFiles(io::FileSystem& files, Options options)
      : files_(files), options_(std::move(options)) {}

  /// `json` is one value, on one line.
  Status add(std::string_view json);
  /// Ends the last file; there is none without an entry.
  Status finish();
  const std::vector<io::PartInfo>& made() const { return made_; }

 private:
  Status close();

  io::FileSystem& files_;
  const Options options_;
  std::unique_ptr<io::PartWriter> file_;
  std::string buffer_;
  std::uint64_t bytes_ = 0;  // Of the open file.
  std::uint64_t entries_ = 0;
  std::vector<io::PartInfo> made_;
};

}  // namespace fanfold::cli
