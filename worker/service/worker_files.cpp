// The body's files: what attempts leave, and what is brought to them.

#include <utility>

#include "common/io/scheme.hpp"
#include "worker/service/worker_body.hpp"

namespace fanfold::worker {

void WorkerBody::bring_files() {
  files_.turn(doors_.clock.now(), {self_, spoken_.number()},
              [this](std::string frame) { send(std::move(frame)); });
  if (doors_.measures != nullptr) doors_.measures->files(files_.figures());
}

void WorkerBody::bring_early() {
  inputs_.go_on_early();
  if (doors_.measures != nullptr) doors_.measures->early(inputs_.early());
}

/// Of a run that lost an input: what it wrote goes, what was fetched for it stays.
void WorkerBody::remove_traces(JobId job, AttemptId attempt) {
  const std::string directory = doors_.scratch.attempt_directory(job, attempt);
  Status status = remove_parts(job, attempt);
  // It is not there when nothing was fetched or spilled.
  const auto names = doors_.files.list(directory);
  for (std::size_t i = 0; status.ok() && names.ok() && i < names->size(); ++i) {
    if ((*names)[i] == Inputs::kFetchedDirectory) continue;
    status = doors_.files.remove_tree(directory + "/" + (*names)[i]);
  }
  if (!status.ok()) doors_.log.warn("files.kept", {{"reason", status.message()}});
}

Status WorkerBody::remove_parts(JobId job, AttemptId attempt) {
  const auto staging = staging_.find(job);
  if (staging == staging_.end()) return {};
  // A store may let this loop wait.  Executors make room for themselves there, and the master
  // removes all of it when the job ends.
  if (!io::scheme_of(staging->second).empty()) return {};
  return doors_.files.remove_tree(staging->second + "/" + std::to_string(attempt.value));
}

void WorkerBody::perform(DropAttemptFiles& action) {
  if (doors_.measures != nullptr) doors_.measures->dropped(action.attempt);
  inputs_.forget(action.attempt);
  Status status = doors_.scratch.drop_attempt(action.job, action.attempt);
  // Only attempts that did not commit are dropped one by one, so their parts are of no use either.
  if (status.ok()) status = remove_parts(action.job, action.attempt);
  if (!status.ok()) doors_.log.warn("files.kept", {{"reason", status.message()}});
}

void WorkerBody::perform(DropJobFiles& action) {
  staging_.erase(action.job);
  inputs_.forget(action.job);
  const Status status = doors_.scratch.drop_job(action.job);
  if (!status.ok()) doors_.log.warn("files.kept", {{"reason", status.message()}});
}

}  // namespace fanfold::worker
