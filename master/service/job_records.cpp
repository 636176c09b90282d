#include "master/service/job_records.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"

namespace fanfold::master {

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

JobRecord& JobRecords::add(proto::JobSpec spec, std::string_view unique, Instant now) {
  const JobId job{next_++};
  spec.output = without_trailing_slashes(std::move(spec.output));
  const std::string staging =
      staging_directory(spec.output, std::string(unique) + "-" + std::to_string(job.value));
  const bool first_writer = writers_.emplace(spec.output, job).second;
  FANFOLD_CHECK(first_writer);
  // By it a publication that was interrupted is told from the output of somebody else.
  if (spec.client_id.empty()) {
    spec.client_id = "job-" + std::string(unique) + "-" + std::to_string(job.value);
  }
  clients_.insert_or_assign(spec.client_id, job);
  return records_.emplace(job, JobRecord(job, std::move(spec), staging, now)).first->second;
}

JobRecord& JobRecords::add_active(JobId job, proto::StoredJob stored) {
  skip_id(job);
  writers_.emplace(stored.spec.output, job);
  if (!stored.spec.client_id.empty()) clients_.insert_or_assign(stored.spec.client_id, job);
  return records_.emplace(job, JobRecord(job, std::move(stored))).first->second;
}

void JobRecords::add_ended(proto::StoredEnd end) {
  const JobId job = end.status.job;
  skip_id(job);
  if (!end.client_id.empty()) clients_.insert_or_assign(end.client_id, job);
  if (records_.emplace(job, JobRecord(std::move(end))).second) remember(job);
}

void JobRecords::skip_id(JobId job) { next_ = std::max(next_, job.value + 1); }

bool JobRecords::is_over(JobId job) const {
  if (job.value >= next_) return false;
  const auto found = records_.find(job);
  return found == records_.end() || found->second.phase() == JobPhase::kEnded;
}

JobRecord* JobRecords::find(JobId job) {
  const auto found = records_.find(job);
  return found == records_.end() ? nullptr : &found->second;
}

JobRecord* JobRecords::find_visible(JobId job) {
  JobRecord* record = find(job);
  return record != nullptr && record->phase() != JobPhase::kPlanning ? record : nullptr;
}

JobRecord* JobRecords::find_client(std::string_view client_id) {
  const auto found = clients_.find(client_id);
  return found == clients_.end() ? nullptr : find(found->second);
}

JobRecord* JobRecords::find_writer(const std::string& output) {
  const auto found = writers_.find(without_trailing_slashes(output));
  return found == writers_.end() ? nullptr : find(found->second);
}

void JobRecords::forget_client(JobId job) {
  const auto client = clients_.find(records_.at(job).spec().client_id);
  if (client != clients_.end() && client->second == job) clients_.erase(client);
}

void JobRecords::forget(JobId job) {
  forget_client(job);
  writers_.erase(records_.at(job).spec().output);
  records_.erase(job);
}

void JobRecords::finish(JobRecord& record, proto::JobStatus final_status) {
  record.finish(std::move(final_status));
  writers_.erase(record.spec().output);
  remember(record.job());
}

void JobRecords::remember(JobId job) {
  ended_.push_back(job);
  if (ended_.size() <= remembered_) return;
  forget_client(ended_.front());
  records_.erase(ended_.front());
  ended_.pop_front();
}

std::size_t JobRecords::active() const {
  return static_cast<std::size_t>(
      std::count_if(records_.begin(), records_.end(),
                    [](const auto& entry) { return entry.second.phase() == JobPhase::kActive; }));
}

std::vector<JobId> JobRecords::list(JobPhase phase) const {
  std::vector<JobId> jobs;
  for (const auto& [job, record] : records_) {
    if (record.phase() == phase) jobs.push_back(job);
  }
  return jobs;
}

}  // namespace fanfold::master
