// A file system whose every file has the same bytes, and that can only be read.

#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/io/file_system.hpp"

namespace fanfold::fuzz {

class BytesFileSystem final : public io::FileSystem {
 public:
  /// Borrows `bytes`.
  explicit BytesFileSystem(std::string_view bytes) : bytes_(bytes) {}

  Result<std::unique_ptr<io::ReadableFile>> open(const std::string&) override {
    return std::unique_ptr<io::ReadableFile>(new File(bytes_));
  }
  Result<io::FileInfo> stat(const std::string&) override {
    io::FileInfo info;
    info.size = bytes_.size();
    return info;
  }
  Status check_readable(const std::string&) override { return Status(); }

  Result<std::unique_ptr<io::WritableFile>> create(const std::string&) override { return no(); }
  Result<std::vector<std::string>> list(const std::string&) override { return no(); }
  Status make_directories(const std::string&) override { return no(); }
  Status make_directory(const std::string&) override { return no(); }
  Status rename(const std::string&, const std::string&) override { return no(); }
  Status publish(const std::string&, const std::string&, io::Replace) override { return no(); }
  Status hard_link_or_copy(const std::string&, const std::string&) override { return no(); }
  Status remove_file(const std::string&) override { return no(); }
  Status remove_tree(const std::string&) override { return no(); }
  Status sync_directory(const std::string&) override { return no(); }
  Result<std::uint64_t> free_bytes(const std::string&) override { return no(); }

 private:
  class File final : public io::ReadableFile {
   public:
    explicit File(std::string_view bytes) : bytes_(bytes) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
      if (offset >= bytes_.size()) return std::size_t{0};
      return bytes_.copy(buffer.data(), buffer.size(), offset);
    }
    Result<std::uint64_t> size() override { return std::uint64_t{bytes_.size()}; }

   private:
    std::string_view bytes_;
  };

  static Status no() { return Status(StatusCode::kIoError, "this file system is only read"); }

  std::string_view bytes_;
};

}  // namespace fanfold::fuzz
