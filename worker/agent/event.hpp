// Everything that can happen to a worker's agent.

#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::worker {

struct MasterSaid {
  proto::MasterMessage message;
};
/// The executor of an attempt ended it, or died.
struct AttemptEnded {
  AttemptId attempt;
  bool succeeded = false;
  proto::AttemptReport report;
  proto::FailureReport failure;
  std::string log_text;
  std::uint64_t log_bytes = 0;  // Written in all.
};
/// Its executor ended at a record, or was killed there; it runs in another one that passes over it.
struct AttemptWentOn {
  AttemptId attempt;
};
/// Map outputs that a reduce attempt cannot read.  The others are still brought.
struct InputsMissing {
  AttemptId attempt;
  std::vector<proto::MapOutput> outputs;
  std::string message;
};
/// All inputs of a reduce attempt are on this host now, or this host cannot take them.
struct InputsReady {
  AttemptId attempt;
  bool succeeded = false;
  proto::FailureReport failure;
};
/// What the shared progress slots say, of every attempt that is started.
struct ProgressSeen {
  struct Entry {
    AttemptId attempt;
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::uint64_t beat = 0;  // Any change of it is progress.
  };
  std::vector<Entry> entries;
};
/// SIGTERM, or the operator.
struct DrainRequested {};
/// Time passed; deadlines are examined.
struct Tick {};

using Event = std::variant<MasterSaid, AttemptEnded, AttemptWentOn, InputsMissing, InputsReady,
                           ProgressSeen, DrainRequested, Tick>;

}  // namespace fanfold::worker
