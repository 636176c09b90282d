#include "master/service/chores.hpp"

#include <utility>

#include "master/service/job_record.hpp"

namespace fanfold::master {
namespace {

Result<Plan> make_fitting_plan(io::FileSystem& files, const proto::JobSpec& spec,
                               const PlanLimits& limits) {
  FANFOLD_ASSIGN_OR_RETURN(Plan plan, make_plan(files, spec, limits));
  FANFOLD_RETURN_IF_ERROR(check_assignment_sizes(plan));
  return plan;
}

}  // namespace

PlanFinished plan_job(io::FileSystem& files, JobId job, const proto::JobSpec& spec,
                      const std::string& staging, const PlanLimits& limits) {
  Status prepared = prepare_output(files, spec, staging);
  if (!prepared.ok()) return {job, std::move(prepared)};
  Result<Plan> plan = make_fitting_plan(files, spec, limits);
  // The refusal is what the user must hear; a directory that stays behind is empty.
  if (!plan.ok()) static_cast<void>(files.remove_tree(staging));
  return {job, std::move(plan)};
}

PublishFinished publish_job(io::FileSystem& files, const PublishRequest& request) {
  return {request.job, publish(files, request)};
}

StagingRemoved remove_staging(io::FileSystem& files, JobId job, const std::string& staging) {
  return {job, files.remove_tree(staging)};
}

}  // namespace fanfold::master
