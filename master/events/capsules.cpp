// The capsules of failed attempts: who writes them, where to, how many.

#include "common/capsule/capsule.hpp"
#include "common/text/names.hpp"
#include "master/events/event_recorder.hpp"

namespace fanfold::master {

std::string EventRecorder::take_capsule_directory(JobId id) {
  JobLog* job = find(id);
  if (job == nullptr || job->capsules >= kCapsulesPerJob) return {};
  // A log that begins removes what an earlier job of this number left.
  if (job->begins) flush(id, *job);
  if (job->begins) return {};
  ++job->capsules;
  return sink_->capsule_directory(id);
}

Result<EventRecorder::Part> EventRecorder::read_capsule(const TaskId& task,
                                                        std::uint32_t attempt_number,
                                                        std::uint64_t offset,
                                                        std::size_t bytes_max) {
  const std::string name = name_of(task) + "." + std::to_string(attempt_number);
  if (sink_ == nullptr) {
    return Status(StatusCode::kNotFound,
                  "this master keeps no event logs and no capsules: start it with --state DIR or "
                  "--events DIR");
  }
  Result<std::string> bytes =
      sink_->read_capsule(task.job, capsule_name(task, attempt_number), offset, bytes_max);
  if (!bytes.ok() && bytes.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotFound,
                  "attempt " + name + " of job " + std::to_string(task.job.value) +
                      " left no capsule: it did not fail, its worker was lost, or too many "
                      "attempts of the job failed before it;\n'fanfold why " +
                      std::to_string(task.job.value) + "' shows which attempts failed");
  }
  FANFOLD_RETURN_IF_ERROR(bytes.status());
  Part part;
  part.bytes = *std::move(bytes);
  part.ended = part.bytes.size() < bytes_max;
  return part;
}

}  // namespace fanfold::master
