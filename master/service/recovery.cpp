// What a restarted master does with what it finds: history is kept, unfinished jobs are ended.

#include <map>
#include <set>
#include <utility>
#include <variant>

#include "common/proto/messages.hpp"
#include "master/service/service.hpp"

namespace fanfold::master {
namespace {

struct Found {
  std::string description;
  std::string end;
  bool accepted = false;
  bool publishing = false;
  bool ended = false;
  JobEnded end_fact;
};

std::map<JobId, Found> sort_by_job(const StoredState& stored) {
  std::map<JobId, Found> jobs;
  for (const Fact& fact : stored.facts) {
    if (const auto* accepted = std::get_if<JobAccepted>(&fact)) {
      jobs[accepted->job.job].accepted = true;
    } else if (const auto* started = std::get_if<JobCommitStarted>(&fact)) {
      jobs[started->job].publishing = true;
    } else if (const auto* ended = std::get_if<JobEnded>(&fact)) {
      jobs[ended->job].ended = true;
      jobs[ended->job].end_fact = *ended;
    }
  }
  for (const JobNote& note : stored.notes) {
    (note.kind == NoteKind::kSubmitted ? jobs[note.job].description : jobs[note.job].end) =
        note.bytes;
  }
  return jobs;
}

/// The status that was recorded with the job's end, or what the fact alone says.
proto::JobStatus recorded_end(JobId job, const Found& found) {
  proto::JobStatus status;
  auto decoded = proto::decode<proto::ClientReply>(found.end);
  if (decoded.ok()) {
    if (auto* reply = std::get_if<proto::JobReply>(&*decoded)) status = std::move(reply->status);
  }
  status.job = job;
  status.state = found.end_fact.state;
  status.reason = found.end_fact.reason;
  return status;
}

}  // namespace

Status MasterService::recover(const StoredState& stored) {
  std::vector<Fact> facts;
  std::vector<JobNote> notes;
  for (auto& [job, found] : sort_by_job(stored)) {
    state_.jobs.skip_id(job);
    if (found.ended) {
      state_.jobs.add_ended(recorded_end(job, found));
      continue;
    }
    if (!found.accepted) continue;
    proto::JobStatus status;
    status.job = job;
    status.state = proto::JobState::kFailed;
    status.reason = "the master was restarted";
    const auto description = read_description(found.description);
    if (description.ok()) {
      status.job_name = description->spec.job_name;
      status.output = description->spec.output;
      status.submitted_by = description->spec.submitted_by;
      stagings_.add(job, description->staging, state_.now);
      if (found.publishing) {
        status.reason += " while it published; if " + status.output +
                         " holds a _SUCCESS file, the output is complete";
      }
    } else {
      doors_.log.error("job.description_lost",
                       {{"job", job.value}, {"reason", description.status().message()}});
    }
    facts.push_back(JobEnded{.job = job,
                             .state = proto::JobState::kFailed,
                             .reason = status.reason,
                             .failed_task = {},
                             .first_failure = {}});
    notes.push_back({job, NoteKind::kEnded, proto::encode(proto::JobReply{.status = status})});
    doors_.log.warn("job.ended",
                    {{"job", job.value}, {"state", "failed"}, {"reason", status.reason}});
    state_.jobs.add_ended(std::move(status));
  }
  if (facts.empty()) return {};
  FANFOLD_RETURN_IF_ERROR(
      doors_.store.append(facts, notes)
          .with_context("the master cannot record the end of the jobs it found"));
  remove_stagings(stagings_.take_removable(state_.attempts, state_.now));
  return {};
}

}  // namespace fanfold::master
