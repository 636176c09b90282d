// The door to where event logs are kept: files beside the master's state (event_files.cpp), or
// memory in tests.
//
// An event log is for people.  Nothing depends on it: an error here is told once and never stops
// the master, and nothing waits for a disk.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"

namespace fanfold::master {

class EventSink {
 public:
  virtual ~EventSink() = default;

  /// An empty log, whatever was kept under this id before.
  virtual Status begin(JobId job) = 0;
  /// Whole lines.  After an error none of them is there.
  virtual Status append(JobId job, std::string_view lines) = 0;
  /// Nothing will be appended any more.  Logs of the oldest jobs that ended may go now, so that all
  /// together stay within their limit.
  virtual void end(JobId job) = 0;

  /// At most `bytes_max` bytes from `offset`; fewer, or none, at the end of what is there.
  /// kNotFound: there is no log of this job (any more).
  virtual Result<std::string> read(JobId job, std::uint64_t offset, std::size_t bytes_max) = 0;
  /// Bytes that are there; 0 when there is no log.
  virtual std::uint64_t size(JobId job) = 0;

  /// Where capsules of the job's failed attempts go: they come and go with its log.  Empty: nobody
  /// keeps any here.
  virtual std::string capsule_directory(JobId /*job*/) const { return {}; }
  /// A part of one of them, as read().
  virtual Result<std::string> read_capsule(JobId /*job*/, const std::string& name,
                                           std::uint64_t /*offset*/, std::size_t /*bytes_max*/) {
    return Status(StatusCode::kNotFound, "there is no " + name);
  }
};

}  // namespace fanfold::master
