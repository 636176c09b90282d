#include "tests/scheduler/text.hpp"

#include <sstream>
#include <variant>

#include "common/proto/types.hpp"

namespace fanfold::master {
namespace {

std::string in_text(const abi::BlockSummary& flow) {
  return std::to_string(flow.records) + "/" + std::to_string(flow.sum) + "/" +
         std::to_string(flow.exclusive_or);
}

struct FactText {
  std::ostringstream& out;

  void operator()(const JobAccepted& fact) const {
    out << "job-accepted job=" << fact.job.job.value << " maps=" << fact.job.split_bytes.size()
        << " reduces=" << fact.job.partitions;
    if (fact.job.sample) out << " sample";
  }
  void operator()(const AttemptCommitted& fact) const {
    out << "attempt-committed task=" << name_of(fact.task) << " attempt=" << name_of(fact.attempt)
        << " worker=" << fact.worker.value;
    if (fact.output_empty) out << " empty";
  }
  void operator()(const MapOutputInvalidated& fact) const {
    out << "map-output-invalidated task=" << name_of(fact.task)
        << " attempt=" << name_of(fact.attempt);
  }
  void operator()(const TaskFailureCounted& fact) const {
    out << "task-failure-counted task=" << name_of(fact.task)
        << " attempt=" << name_of(fact.attempt) << " kind=" << proto::name_of(fact.kind);
  }
  void operator()(const JobCommitStarted& fact) const {
    out << "job-commit-started job=" << fact.job.value;
  }
  void operator()(const JobEnded& fact) const {
    out << "job-ended job=" << fact.job.value << " state=" << proto::name_of(fact.state);
    if (!fact.reason.empty()) out << " reason=\"" << fact.reason << '"';
    if (fact.failed_task.job != JobId{}) {
      out << " task=" << name_of(fact.failed_task) << " first=" << name_of(fact.first_failure);
    }
  }
  void operator()(const WorkerRegistered& fact) const {
    out << "worker-registered worker=" << fact.worker.value << " slots=" << fact.slots;
  }
  void operator()(const WorkerGone& fact) const {
    out << "worker-gone worker=" << fact.worker.value;
  }
  void operator()(const NonDeterminismFound& fact) const {
    out << "non-determinism-found task=" << name_of(fact.task)
        << " earlier=" << name_of(fact.earlier) << " attempt=" << name_of(fact.attempt)
        << " before=" << in_text(fact.before) << " after=" << in_text(fact.after);
  }
  void operator()(const TaskGivenUp& fact) const {
    out << "task-given-up task=" << name_of(fact.task) << " first=" << name_of(fact.first_failure)
        << " kind=" << proto::name_of(fact.kind);
  }
  void operator()(const CoverageDecided& fact) const {
    out << "coverage-decided job=" << fact.job.value << " reason=" << proto::name_of(fact.reason)
        << " covered=" << fact.covered;
  }
  void operator()(const JobControlled& fact) const {
    out << "job-controlled job=" << fact.job.value << " most=" << fact.control.max_concurrency
        << " priority=" << fact.control.priority << " weight=" << fact.control.weight;
    if (fact.control.failures_max != proto::kAnyNumber) {
      out << " failures=" << fact.control.failures_max;
    }
    if (fact.control.paused) out << " paused";
  }
  void operator()(const DissentFound& fact) const {
    out << "dissent-found task=" << name_of(fact.task) << " attempt=" << name_of(fact.attempt)
        << " worker=" << fact.worker_name << " digest=" << fact.digest;
    if (fact.decided) out << " accepted=" << fact.accepted;
  }
  void operator()(const PartitionsWeighed& fact) const {
    out << "partitions-weighed job=" << fact.job.value;
    for (const proto::HeavyPartition& one : fact.heavy) {
      out << " " << one.partition << ":" << one.bytes << (one.hot ? " hot" : "");
      if (one.shares > 0) out << " shares=" << one.shares;
    }
    for (const std::uint32_t end : fact.ends) out << " ends=" << end;
  }
  void operator()(const InputFed& fact) const {
    out << "input-fed job=" << fact.job.value << " splits=" << fact.split_bytes.size();
    if (fact.closed) out << " closed";
  }
};

struct ActionText {
  std::ostringstream& out;

  void operator()(const AssignAttempt& action) const {
    out << "assign worker=" << action.worker.value << " attempt=" << name_of(action.attempt)
        << " task=" << name_of(action.task) << " number=" << action.attempt_number;
    if (action.speculative) out << " speculative";
    if (action.list_version != 0) out << " list=" << name_of(AttemptId{action.list_version});
  }
  void operator()(const ListOutputs& action) const {
    out << "list job=" << action.job.value << " version=" << name_of(AttemptId{action.version});
    list(action.outputs);
  }
  void operator()(const TellOutputs& action) const {
    out << "tell worker=" << action.worker.value << " job=" << action.job.value;
  }
  void operator()(const TellHomes& action) const {
    out << "tell-homes job=" << action.job.value << " most=" << action.segment_bytes_max
        << " homes=";
    const char* separator = "";
    for (const TellHomes::Home& home : action.homes) {
      out << separator << home.worker.value << ":" << home.partitions.size();
      separator = ",";
    }
    list(action.outputs);
  }
  void operator()(const AdoptAttempt& action) const {
    out << "adopt worker=" << action.worker.value << " attempt=" << name_of(action.attempt)
        << " task=" << name_of(action.task) << " number=" << action.attempt_number;
  }
  void operator()(const CancelAttempt& action) const {
    out << "cancel worker=" << action.worker.value << " attempt=" << name_of(action.attempt);
  }
  void operator()(const AnswerCommit& action) const {
    out << (action.granted ? "grant" : "deny") << " worker=" << action.worker.value
        << " attempt=" << name_of(action.attempt);
  }
  void operator()(const NoteFailure& action) const {
    out << "note-failure worker=" << action.worker.value << " attempt=" << name_of(action.attempt);
  }
  void operator()(const PublishJob& action) const {
    out << "publish job=" << action.job.value << " maps=";
    list(action.maps);
    out << " reduces=";
    list(action.reduces);
  }
  void operator()(const FinishJob& action) const {
    out << "finish job=" << action.job.value << " state=" << proto::name_of(action.state);
  }
  void operator()(const ForgetWorker& action) const {
    out << "forget worker=" << action.worker.value;
  }

  void list(const std::vector<CommittedOutput>& inputs) const {
    out << " outputs=";
    const char* separator = "";
    for (const CommittedOutput& input : inputs) {
      out << separator << input.split << ':' << name_of(input.attempt) << '@' << input.worker.value;
      separator = ",";
    }
  }
  void list(const std::vector<AttemptId>& attempts) const {
    const char* separator = "";
    for (const AttemptId attempt : attempts) {
      out << separator << name_of(attempt);
      separator = ",";
    }
  }
};

}  // namespace

std::string name_of(AttemptId attempt) {
  const std::uint64_t epoch = attempt.value >> 40;
  const std::string counter = std::to_string(attempt.value & ((std::uint64_t{1} << 40) - 1));
  return epoch <= 1 ? counter : std::to_string(epoch) + ":" + counter;
}

std::string name_of(const TaskId& task) {
  const char* stage = task.stage == Stage::kMap ? "map" : "reduce";
  if (task.stage == Stage::kSample) stage = "sample";
  if (task.stage == Stage::kGather) stage = "gather";
  return std::to_string(task.job.value) + "/" + stage + "/" + std::to_string(task.index);
}

std::string to_text(const Fact& fact) {
  std::ostringstream out;
  std::visit(FactText{out}, fact);
  return out.str();
}

std::string to_text(const Action& action) {
  std::ostringstream out;
  std::visit(ActionText{out}, action);
  return out.str();
}

}  // namespace fanfold::master
