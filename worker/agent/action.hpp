// Everything the agent may ask its service to do.  Data only.

#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::worker {

struct SendToMaster {
  proto::WorkerMessage message;
  bool again = false;  // It was said before, and not answered.
};
/// Bring the inputs of a reduce attempt to this host; answer with InputsReady.
struct FetchInputs {
  proto::TaskAssignment assignment;
  std::shared_ptr<const proto::OutputList> list;
};
/// These are to be read instead of the outputs of the same splits that InputsMissing or a failed
/// AttemptEnded named; everything else that the attempt has stays.
struct ReplaceInputs {
  AttemptId attempt;
  std::shared_ptr<const proto::OutputList> list;  // Names the holders.
  std::vector<proto::MapOutput> outputs;
};
/// Segments of these partitions are to be here before an attempt reads them, as far as there is
/// room: what is not is fetched then.
struct BringEarly {
  JobId job;
  std::vector<std::uint32_t> partitions;
  bool over_network = false;            // Also what lies on this host.
  std::uint64_t segment_bytes_max = 0;  // 0: of any size.
  std::shared_ptr<const proto::OutputList> list;
};
/// They are read elsewhere: what is here of these partitions goes, but for what an attempt reads.
struct DropEarly {
  JobId job;
  std::vector<std::uint32_t> partitions;
};
/// Run it in a free executor; answer with AttemptEnded.
struct StartAttempt {
  proto::TaskAssignment assignment;
  bool again = false;  // It ran before, and what it wrote then is of no use.
};
/// Stop fetching or kill the executor.  AttemptEnded follows if it was started; its failure kind
/// is the agent's to set: `kind` says why.
struct KillAttempt {
  AttemptId attempt;
  proto::FailureKind kind = proto::FailureKind::kCancelled;
};
/// The attempt's files are of no use any more.
struct DropAttemptFiles {
  JobId job;
  AttemptId attempt;
};
struct DropJobFiles {
  JobId job;
};
/// The master has been silent too long: close the socket and open a new one.
struct Reconnect {};
/// Nothing is left to do: end the process.
struct Exit {};
/// Everything here is of another state than the master's: end as Exit does, and be another worker.
struct BeginAnew {};

using Action =
    std::variant<SendToMaster, FetchInputs, ReplaceInputs, BringEarly, DropEarly, StartAttempt,
                 KillAttempt, DropAttemptFiles, DropJobFiles, Reconnect, Exit, BeginAnew>;

}  // namespace fanfold::worker
