// Side files (`--file name=PATH`), mapped read-only and checked against their digest on first use.
// An executor keeps one of these for all its tasks, so that a large file is read and hashed once.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::worker {

class SideFiles {
 public:
  SideFiles() = default;
  SideFiles(const SideFiles&) = delete;
  SideFiles& operator=(const SideFiles&) = delete;
  ~SideFiles();

  /// The contents, valid as long as this object.  kInvalidArgument: it is not the file that was
  /// submitted.
  Result<std::string_view> contents(const proto::FileReference& reference);

 private:
  std::map<std::string, std::string_view> mapped_;  // By SHA-256.
};

}  // namespace fanfold::worker
