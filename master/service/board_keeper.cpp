#include "master/service/board_keeper.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

constexpr Duration kInterval = 250ms;
/// Of the time, what taking snapshots may take at most: a hundredth.
constexpr int kShare = 100;

/// What lists show of a job.
proto::JobStatus listed(proto::JobStatus status) {
  status.first_cause.stack.clear();
  status.first_cause.log_tail.clear();
  return status;
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
  for (proto::WorkerStatus& status : snapshot->workers) {
    const KnownWorker* worker = state_.workers.find(status.worker);
    if (worker == nullptr) continue;
    status.name = worker->hello.name;
    status.process = worker->hello.process;
  }

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
  return snapshot;
}

}  // namespace fanfold::master
