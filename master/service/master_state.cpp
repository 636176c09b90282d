#include "master/service/master_state.hpp"

namespace fanfold::master {

proto::JobStatus status_of(const MasterState& state, const JobRecord& record) {
  if (record.phase() == JobPhase::kEnded) return record.final_status();
  proto::JobStatus status =
      state.scheduler.job_status(record.job(), state.now).value_or(proto::JobStatus{});
  record.complete(&status);
  return status;
}

}  // namespace fanfold::master
