#include "master/service/board_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

constexpr Duration kInterval = 250ms;
/// Of the time, what taking snapshots may take at most: a hundredth.
constexpr int kShare = 100;
/// Whose output a job reads is looked for in so many of its inputs.
constexpr std::size_t kInputsLookedAt = 100;
constexpr std::size_t kSourcesMax = 100;

/// What lists show of a job.
proto::JobStatus listed(proto::JobStatus status) {
  status.first_cause.stack.clear();
  status.first_cause.log_tail.clear();
  return status;
}

/// Earlier jobs whose output directory an input of this one lies in.
std::vector<JobId> sources_of(MasterState& state, const JobRecord& record,
                              const std::vector<JobId>& jobs) {
  std::vector<JobId> sources;
  const std::vector<std::string>& inputs = record.spec().inputs;
  for (const JobId earlier : jobs) {
    if (!(earlier < record.job()) || sources.size() == kSourcesMax) continue;
    const std::string& output = state.jobs.find(earlier)->spec().output;
    // Of a job that ended under another master only its status is known.
    if (output.empty()) continue;
    const auto lies_there = [&output](std::string_view input) {
      // "TAG=/path"
      input.remove_prefix(std::min(input.find('/'), input.size()));
      return input == output ||
             (input.starts_with(output) && input.substr(output.size()).starts_with('/'));
    };
    if (std::any_of(
            inputs.begin(),
            inputs.begin() + static_cast<std::ptrdiff_t>(std::min(inputs.size(), kInputsLookedAt)),
            lies_there)) {
      sources.push_back(earlier);
    }
  }
  return sources;
}

}  // namespace

void BoardKeeper::end_turn() {
  if (board_ == nullptr) return;
  due_ = std::max(state_.now, earliest_);
  if (*due_ > state_.now) return;
  const Instant began = clock_.now();
  board_->post(take());
  const Duration took = clock_.now() - began;
  earliest_ = state_.now + std::max(kInterval, took * kShare);
  due_.reset();
}

std::map<JobId, std::vector<JobId>> BoardKeeper::sources(const std::vector<JobId>& jobs) {
  std::map<JobId, std::vector<JobId>> known;
  for (const JobId job : jobs) {
    const auto before = sources_.find(job);
    known[job] = before != sources_.end() ? before->second
                                          : sources_of(state_, *state_.jobs.find(job), jobs);
  }
  sources_ = std::move(known);
  std::map<JobId, std::vector<JobId>> some;
  for (const auto& [job, sources] : sources_) {
    if (!sources.empty()) some.emplace(job, sources);
  }
  return some;
}

std::shared_ptr<const web::Snapshot> BoardKeeper::take() {
  auto snapshot = std::make_shared<web::Snapshot>();
  const auto unix_us = [this](Instant instant) {
    return state_.settings.unix_us_at_origin +
           std::chrono::duration_cast<std::chrono::microseconds>(instant.since_origin).count();
  };
  snapshot->unix_us = unix_us(state_.now);
  snapshot->started_unix_us = unix_us(state_.started);
  snapshot->address = state_.settings.address;
  snapshot->process = state_.settings.process;
  snapshot->epoch = state_.settings.epoch;
  snapshot->scheduler_entries = state_.scheduler.entries();
  snapshot->totals = state_.measures.totals();

  snapshot->workers = state_.scheduler.workers(state_.now);
  state_.workers.describe(&snapshot->workers);

  snapshot->jobs_planned_now =
      static_cast<std::uint32_t>(state_.jobs.list(JobPhase::kPlanning).size());
  for (const JobId job : state_.jobs.list(JobPhase::kActive)) {
    snapshot->active.push_back(
        std::make_shared<const proto::JobStatus>(status_of(state_, *state_.jobs.find(job))));
  }
  std::map<JobId, std::shared_ptr<const proto::JobStatus>> ended;
  for (const JobId job : state_.jobs.list(JobPhase::kEnded)) {
    auto& status = ended[job];
    if (const auto known = ended_.find(job); known != ended_.end()) status = known->second;
    if (!status) {
      status =
          std::make_shared<const proto::JobStatus>(listed(state_.jobs.find(job)->final_status()));
    }
    snapshot->ended.push_back(status);
  }
  ended_ = std::move(ended);
  std::vector<JobId> jobs = state_.jobs.list(JobPhase::kActive);
  for (const auto& [job, status] : ended_) jobs.push_back(job);
  snapshot->sources = sources(jobs);
  return snapshot;
}

}  // namespace fanfold::master
