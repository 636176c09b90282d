#include "master/service/chores.hpp"

#include <algorithm>
#include <utility>

#include "common/capsule/capsule.hpp"
#include "common/core/limits.hpp"
#include "master/publish/publish_objects.hpp"
#include "master/service/job_record.hpp"

namespace fanfold::master {
namespace {

Result<Plan> make_fitting_plan(io::FileSystem& files, const proto::JobSpec& spec,
                               const PlanBasis& basis) {
  FANFOLD_ASSIGN_OR_RETURN(Plan plan, make_plan(files, spec, basis.limits, basis.hosts));
  FANFOLD_RETURN_IF_ERROR(check_assignment_sizes(plan));
  return plan;
}

/// Not synced, like the event log beside it.
Status write_file(io::FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string unfinished = path + ".new";
  FANFOLD_RETURN_IF_ERROR(files.remove_tree(unfinished));
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.create(unfinished));
  FANFOLD_RETURN_IF_ERROR(file->append(bytes));
  FANFOLD_RETURN_IF_ERROR(file->close());
  return files.rename(unfinished, path);
}

Status keep_capsule(io::FileSystem& files, const std::string& directory,
                    const proto::Capsule& capsule) {
  const std::string bytes = seal_capsule(capsule);
  FANFOLD_RETURN_IF_ERROR(files.make_directories(directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t free, files.free_bytes(directory));
  if (free < limits::kEventDiskReserve + bytes.size()) {
    return Status(StatusCode::kNoSpace, "the disk has less than its reserve left");
  }
  const proto::TaskAssignment& assignment = capsule.assignment;
  return write_file(
      files, directory + "/" + capsule_name(assignment.task, assignment.attempt_number), bytes);
}

/// All but the files that stay.
Status remove_fed(io::FileSystem& files, const std::string& directory,
                  const std::vector<std::string>& kept) {
  if (kept.empty()) return files.remove_tree(directory);
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.list(directory));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    if (std::binary_search(kept.begin(), kept.end(), path)) continue;
    FANFOLD_RETURN_IF_ERROR(files.remove_tree(path));
  }
  return {};
}

}  // namespace

PlanFinished plan_job(io::FileSystem& files, JobId job, const proto::JobSpec& spec,
                      const std::string& staging, const PlanBasis& basis) {
  Status prepared = prepare_output(files, spec, staging);
  if (!prepared.ok()) return {job, std::move(prepared)};
  Result<Plan> plan = make_fitting_plan(files, spec, basis);
  // The refusal is what the user must hear; a directory that stays behind is empty.
  if (!plan.ok()) static_cast<void>(remove_staging_directory(files, staging));
  return {job, std::move(plan)};
}

PublishFinished publish_job(io::FileSystem& files, const PublishRequest& request) {
  return {request.job, publish(files, request)};
}

std::string fed_directory(const std::string& staging) { return staging + "-fed"; }

StagingRemoved remove_remains(io::FileSystem& files, JobId job, const Remains& remains) {
  Status outcome = remove_staging_directory(files, remains.staging);
  if (outcome.ok() && !remains.fed.empty() && files.renames(remains.fed)) {
    outcome = remove_fed(files, remains.fed, remains.kept);
  }
  return {job, std::move(outcome)};
}

CapsuleWritten write_capsule(io::FileSystem& files, const EventRecorder::CapsulePlace& place,
                             proto::Capsule capsule) {
  if (!place.replaced.empty()) {
    // It may not have been written.
    static_cast<void>(files.remove_file(place.directory + "/" + place.replaced));
  }
  mark_inputs(files, &capsule);
  return {capsule.assignment.task.job, keep_capsule(files, place.directory, capsule)};
}

}  // namespace fanfold::master
