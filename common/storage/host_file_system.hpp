// Files of this host by "host://NAME/path".  They are inputs: nothing but opening them works.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/inputs/host_input.hpp"
#include "common/io/file_system.hpp"

namespace fanfold {

class HostFileSystem final : public io::FileSystem {
 public:
  explicit HostFileSystem(inputs::HostInputs readable) : readable_(std::move(readable)) {}

  /// kNotFound when the file is gone; kInvalidArgument when it lies on another host, or where
  /// nothing may be read.
  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override;
  Status check_readable(const std::string& path) override { return open(path).status(); }

  // Refused.
  Result<std::unique_ptr<io::WritableFile>> create(const std::string& path) override;
  Result<io::FileInfo> stat(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status make_directories(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status publish(const std::string& from, const std::string& to, io::Replace replace) override;
  Status hard_link_or_copy(const std::string& from, const std::string& to) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  const inputs::HostInputs readable_;
};

}  // namespace fanfold
