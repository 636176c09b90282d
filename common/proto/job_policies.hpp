// What a job wants done about records that fail, tasks that fail, and results that are to become
// one.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fanfold/abi.hpp"

namespace fanfold::proto {

/// What becomes of a record that map() throws, crashes or hangs on; docs/patterns/dead_letters.md.
enum class OnBadRecord : std::uint8_t { kFail = 0, kSkip = 1, kDeadLetter = 2 };
struct BadRecordPolicy {
  OnBadRecord what = OnBadRecord::kFail;
  std::uint32_t records_max = 0;  // Of the job; more fail it.  0: no such limit.
  std::uint32_t per_million = 0;  // Of the records read.  0: no such limit.
  bool tolerant() const { return what != OnBadRecord::kFail; }
  bool operator==(const BadRecordPolicy&) const = default;
};

/// How the results become one (abi::Gather), and how many a task of that tree brings together.
struct GatherPolicy {
  abi::Gather how = abi::Gather::kNone;
  std::uint32_t arity = 0;  // Without kNone: 2 to 256.
  bool operator==(const GatherPolicy&) const = default;
};

enum class Jitter : std::uint8_t { kNone = 0, kFull = 1 };

/// One entry of a Retry of the States Language: what is tried again, how often and when.
struct Retrier {
  std::vector<std::string> errors;  // error_name(), or a "States." name.
  std::uint64_t interval_ms = 1000;
  std::uint32_t attempts_max = 3;  // Beyond the first; 0: never again.
  std::uint32_t backoff_per_mille = 2000;
  std::uint64_t delay_ms_max = 0;  // 0: none.
  Jitter jitter = Jitter::kNone;
  bool operator==(const Retrier&) const = default;
};

}  // namespace fanfold::proto
