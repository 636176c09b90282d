// What side threads have brought to an end.

#include <utility>
#include <variant>

#include "common/core/check.hpp"
#include "master/service/service.hpp"

namespace fanfold::master {
namespace {

/// A disk that is full, or fails, may recover; what is wrong with the output itself does not.
bool may_pass(const Status& status) {
  return status.code() == StatusCode::kNoSpace || status.code() == StatusCode::kIoError;
}

}  // namespace

void MasterService::collect_side_results() {
  for (SideWork* side :
       {planning_.get(), publishing_.get(), removing_.get(), noting_.get(), storing_.get()}) {
    for (SideResult& result : side->finished()) {
      if (auto* planned = std::get_if<PlanFinished>(&result)) {
        const JobId job = planned->job;
        auto unused = client_desk_.plan_finished(std::move(*planned));
        if (unused) stagings_.add(job, {std::move(*unused), ""}, state_.now);
      } else if (auto* published = std::get_if<PublishFinished>(&result)) {
        JobRecord* record = state_.jobs.find(published->job);
        FANFOLD_CHECK(record != nullptr);
        if (published->outcome.ok()) record->note_published(*published->outcome);
        state_.event_log.publication_ended(state_.now, published->job, published->outcome.status());
        state_.events.push_back(JobPublished{.job = published->job,
                                             .succeeded = published->outcome.ok(),
                                             .reason = published->outcome.status().message(),
                                             .may_pass = may_pass(published->outcome.status())});
      } else if (const auto* removed = std::get_if<StagingRemoved>(&result)) {
        if (!removed->outcome.ok()) {
          doors_.log.error("staging.left_behind",
                           {{"job", removed->job.value}, {"reason", removed->outcome.message()}});
        }
      } else if (const auto* blob = std::get_if<BlobDone>(&result)) {
        blob_desk_.done(*blob);
      } else if (auto* found = std::get_if<HostInputsFound>(&result)) {
        client_desk_.look_on_hosts(std::move(*found));
      } else if (auto* fed = std::get_if<FeedWritten>(&result)) {
        client_desk_.feeds().written(std::move(*fed));
      } else {
        const auto& written = std::get<CapsuleWritten>(result);
        if (!written.outcome.ok()) {
          doors_.log.warn("capsule.not_written",
                          {{"job", written.job.value}, {"reason", written.outcome.message()}});
        }
      }
    }
  }
}

}  // namespace fanfold::master
