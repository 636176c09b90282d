// Side files (`--file name=PATH`), mapped read-only and checked against their digest on first use.
// An executor keeps one of these for all its tasks, so that a large file is read and hashed once.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"
#include "worker/exec/brought_file.hpp"

namespace fanfold::worker {

class SideFiles {
 public:
  /// Of those that are not where the job says, `bring` tells where they are.
  explicit SideFiles(BringFile bring = {}) : bring_(std::move(bring)) {}
  SideFiles(const SideFiles&) = delete;
  SideFiles& operator=(const SideFiles&) = delete;
  ~SideFiles();

  /// The contents, valid as long as this object.  kInvalidArgument: it is not the file that was
  /// submitted, nor can that be had.
  Result<std::string_view> contents(const proto::FileReference& reference);

 private:
  const BringFile bring_;
  std::map<std::string, std::string_view> mapped_;  // By SHA-256.
};

}  // namespace fanfold::worker
