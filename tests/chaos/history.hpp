// What clients saw, and whether a master that keeps its promises can have shown them that.
//
// One History holds the operations of all clients of one cluster, master restarts included.  An
// operation has a beginning and an end; one whose answer never came is unknown and proves nothing.
// Checks: an accepted job is never lost; one client id is one job; a status never goes back, and an
// end stays what it is; an output is there exactly when success was told.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::chaos {

enum class Answered : std::uint8_t { kOk, kRefused, kUnknown };

struct Operation {
  enum class Kind : std::uint8_t { kSubmit, kStatus, kLookAtOutput };
  Kind kind = Kind::kStatus;
  Instant begin;
  Instant end;
  Answered answered = Answered::kUnknown;
  std::string client_id;                              // kSubmit.
  JobId job;                                          // kSubmit: of the answer.
  proto::JobState state = proto::JobState::kRunning;  // kStatus.
  bool output_there = false;                          // kLookAtOutput.
  std::string detail;                                 // Of a refusal, for people.
};

class History {
 public:
  void add(Operation operation) { operations_.push_back(std::move(operation)); }
  std::size_t size() const { return operations_.size(); }

  /// One sentence for each promise that was broken; none: all were kept.
  std::vector<std::string> violations() const;

 private:
  std::vector<Operation> operations_;
};

}  // namespace fanfold::chaos
