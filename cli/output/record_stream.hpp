// The records of one output file, front to back, decompressed.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/manifest.hpp"

namespace fanfold::cli {

struct Record {
  std::string_view bytes;  // As in the file, its end included.
  std::string_view key;    // Text: before the TAB.  JSON: the whole line.  Binary: the key.
};

class RecordStream {
 public:
  /// kCorruption when the file is not the one that the manifest describes.
  static Result<std::unique_ptr<RecordStream>> open(io::FileSystem& files,
                                                    const std::string& directory,
                                                    const io::Manifest& manifest,
                                                    const io::PartInfo& part);

  /// The next record, valid until the next call; nullopt at the end.
  Result<std::optional<Record>> next();

  /// What is left, in pieces that need not end at a record; empty at the end.
  Result<std::string_view> next_bytes();

 private:
  RecordStream(std::unique_ptr<io::ReadableStream> source, std::string path,
               abi::OutputFormat format);
  /// Reads more behind what is unread; false at the end of the file.
  Result<bool> fill();
  Result<std::optional<Record>> next_line();
  Result<std::optional<Record>> next_binary();
  std::string_view unread() const { return std::string_view(buffer_).substr(used_); }

  std::unique_ptr<io::ReadableStream> source_;
  const std::string path_;
  const abi::OutputFormat format_;
  std::string buffer_;
  std::size_t used_ = 0;
};

}  // namespace fanfold::cli
