// The capsules of failed attempts: who writes them, where to, how many.

#include <utility>

#include "common/capsule/capsule.hpp"
#include "common/text/names.hpp"
#include "master/events/event_recorder.hpp"

namespace fanfold::master {

EventRecorder::CapsulePlace EventRecorder::take_capsule_place(JobId id, const std::string& name) {
  constexpr std::size_t kEither = kCapsulesPerJob / 2;
  JobLog* job = find(id);
  if (job == nullptr) return {};
  // A log that begins removes what an earlier job of this number left.
  if (job->begins) flush(id, *job);
  if (job->begins) return {};
  CapsulePlace place{.directory = sink_->capsule_directory(id), .replaced = {}};
  if (++job->capsules <= kEither) return place;
  job->newest_capsules.push_back(name);
  if (job->newest_capsules.size() <= kEither) return place;
  place.replaced = std::move(job->newest_capsules.front());
  job->newest_capsules.pop_front();
  return place;
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
                      "others of the job failed;\n'fanfold why " +
                      std::to_string(task.job.value) + "' shows which attempts failed");
  }
  FANFOLD_RETURN_IF_ERROR(bytes.status());
  Part part;
  part.bytes = *std::move(bytes);
  part.ended = part.bytes.size() < bytes_max;
  return part;
}

}  // namespace fanfold::master
