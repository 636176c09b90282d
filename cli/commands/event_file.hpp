// Where `run --events FILE` keeps the event log of its job.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::cli {

class EventFile {
 public:
  EventFile() = default;
  /// A file that was made and got nothing is taken away.
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  /// Before the job runs: says at once when the file cannot be written.  What is in it stays until
  /// there is something new.  An empty path: nobody wants it, and all calls do nothing.
  Status open(const std::string& path);
  bool wanted() const { return descriptor_ >= 0; }

  Status write(std::string_view bytes);
  /// Writes what the log at `path` has; without one, nothing.
  Status copy_log(const std::string& path);

 private:
  std::string path_;
  int descriptor_ = -1;
  bool made_ = false;
  std::uint64_t written_ = 0;
};

}  // namespace fanfold::cli
