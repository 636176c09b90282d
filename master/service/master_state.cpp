#include "master/service/master_state.hpp"

namespace fanfold::master {

void answer_output_questions(MasterState* state, AttemptId attempt) {
  if (!state->logs.knows(attempt)) return;
  const std::vector<OutputQuestion> questions = state->output_questions.take_all(attempt);
  if (questions.empty()) return;
  const std::optional<proto::LogEntry> entry = state->logs.find(attempt);
  for (const OutputQuestion& question : questions) {
    state->outbox.add(question.peer, output_of(*entry, question.offset));
  }
}

proto::JobStatus status_of(const MasterState& state, const JobRecord& record) {
  if (record.phase() == JobPhase::kEnded) return record.final_status();
  proto::JobStatus status =
      state.scheduler.job_status(record.job(), state.now).value_or(proto::JobStatus{});
  record.complete(&status);
  return status;
}

}  // namespace fanfold::master
