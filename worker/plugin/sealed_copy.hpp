// A copy of a plugin that nobody can change any more: in memory, sealed.  What is digested, checked
// and loaded is the same bytes, whatever becomes of the file meanwhile.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::worker {

/// Under this name a sealed copy appears in the memory map of a process that has loaded it.
inline constexpr std::string_view kSealedCopyInMaps = "/memfd:fanfold-plugin (deleted)";

class SealedCopy {
 public:
  /// kNotFound, kIoError: the file cannot be opened or read; kInvalidArgument: it is no plain file
  /// or larger than any plugin; kUnavailable: the host has no memory or descriptor for it.
  static Result<SealedCopy> of(const std::string& path);

  /// Hex SHA-256.
  const std::string& sha256() const { return sha256_; }
  /// Names the copy for open() and dlopen() in this process, as long as this object lives.
  std::string path() const { return "/proc/self/fd/" + std::to_string(memory_.get()); }

 private:
  SealedCopy(UniqueFd memory, std::string sha256)
      : memory_(std::move(memory)), sha256_(std::move(sha256)) {}

  UniqueFd memory_;
  std::string sha256_;
};

}  // namespace fanfold::worker
