#include "master/scheduler/scheduler.hpp"

#include "master/scheduler/machine.hpp"

namespace fanfold::master {

struct Scheduler::State {
  explicit State(const SchedulerOptions& options) : machine(options) {}
  scheduling::Machine machine;
};

Scheduler::Scheduler(SchedulerOptions options) : state_(std::make_unique<State>(options)) {}

Scheduler::~Scheduler() = default;

void Scheduler::restore(const Fact& fact) { state_->machine.restore(fact); }

void Scheduler::step(Instant now, const Event& event, Output* output) {
  state_->machine.step(now, event, output);
}

std::optional<Instant> Scheduler::next_deadline() const { return state_->machine.next_deadline(); }

std::optional<proto::JobStatus> Scheduler::job_status(JobId job, Instant now) const {
  return state_->machine.job_status(job, now);
}

std::optional<proto::QueueStatus> Scheduler::queue(JobId job, Instant now) const {
  return state_->machine.queue(job, now);
}

std::vector<JobId> Scheduler::jobs() const { return state_->machine.jobs(); }

std::vector<proto::WorkerStatus> Scheduler::workers(Instant now) const {
  return state_->machine.workers(now);
}

std::size_t Scheduler::entries() const { return state_->machine.entries(); }

}  // namespace fanfold::master
