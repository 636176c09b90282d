// What input files hold, as digests: files are read once, and again only when they have changed.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/core/status.hpp"

namespace fanfold::cli {

class InputDigests {
 public:
  /// Remembers what `path`, a file that save() wrote, knows; without one nothing.
  explicit InputDigests(std::string path);

  /// Of the whole file.  `interrupted` is asked between blocks: true ends it with kAborted.
  Result<std::string> digest(const std::string& path, const std::function<bool()>& interrupted);

  /// If anything has been added.
  Status save();

 private:
  struct Known {
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0;  // The later of contents and inode, by the file's clock.
    std::uint64_t inode = 0;
    std::int64_t looked_ns = 0;
    std::string digest;
  };

  const std::string path_;
  std::map<std::string, Known> known_;
  bool changed_ = false;
};

}  // namespace fanfold::cli
