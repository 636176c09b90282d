// Tasks whose input lies on a host: they run there or not at all.  When nobody is there they wait,
// for so long; what has waited longer has failed, as a map that failed as often as it may.

#include <algorithm>
#include <string>
#include <vector>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/task_text.hpp"

namespace fanfold::master::scheduling {
namespace {

/// A status names so many.
constexpr std::size_t kHostsTold = 5;

std::string seconds_of(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  return std::to_string(std::max<std::int64_t>(count, 0)) + " s";
}

}  // namespace

std::optional<Choice> Machine::choose_on_hosts(Job& job) {
  StageTasks& stage = job.open_stage();
  const auto& wanted = stage.lanes().ready_hosts();
  const auto& free = pool_.free_places();
  // Those that both know; the shorter list is walked.  One call looks at so many and the next goes
  // on from there.
  const auto& walked = wanted.size() <= free.size() ? wanted : free;
  const auto& other = wanted.size() <= free.size() ? free : wanted;
  auto next = walked.upper_bound(job.host_seen);
  const std::size_t most = std::min(walked.size(), kHostsExamined);
  for (std::size_t examined = 0; examined < most; ++examined) {
    if (next == walked.end()) next = walked.begin();
    job.host_seen = *next++;
    if (other.count(job.host_seen) == 0) continue;
    if (auto choice = choose_from_lane(job, stage, *stage.lanes().find(job.host_seen))) {
      return choice;
    }
  }
  return std::nullopt;
}

std::optional<Choice> Machine::choose_from_lane(Job& job, StageTasks& stage, HostLane& lane) {
  Worker* worker = nullptr;
  const auto accepts = [&](std::uint32_t index) {
    worker = worker_at(job, {job.id, stage.stage(), index}, lane.host);
    return worker != nullptr;
  };
  const std::optional<std::uint32_t> index = stage.take_from(lane, kRetriesExamined, accepts);
  if (!index) return std::nullopt;
  return Choice{{job.id, stage.stage(), *index}, worker, std::nullopt, nullptr, true};
}

bool Machine::is_waited_for(const Worker& worker) const {
  std::size_t examined = 0;
  for (const JobRank& rank : ready_choosy_) {
    if (++examined > kChoosyJobsExamined) return false;
    const StageTasks& stage = jobs_.at(rank.job).open_stage();
    if (stage.lanes().ready_hosts().count(worker.place) > 0) return true;
    const Preferences& preferences = stage.preferences();
    if (preferences.is_waiting() && preferences.wants(worker.id, worker.host_name)) return true;
  }
  return false;
}

Worker* Machine::queue_worker_for(const StageTasks& stage) {
  const std::uint32_t per_slot = queued_per_slot(stage.durations.total(), stage.durations.count());
  return pool_.queue_worker(per_slot,
                            [this](const Worker& worker) { return is_waited_for(worker); });
}

Worker* Machine::worker_at(Job& job, const TaskId& task, const std::string& place) {
  const Trouble* trouble = job.find_trouble(task.stage, task.index);
  if (planted(Bug::kReadElsewhere)) return pool_.free_worker({});
  if (trouble == nullptr) return pool_.free_worker_at(place, {});
  if (Worker* worker = pool_.free_worker_at(place, trouble->avoid)) return worker;
  if (now_ < trouble->patient_until && pool_.anybody_at(place, trouble->avoid)) {
    task_deadlines_.set(task, trouble->patient_until);
    return nullptr;
  }
  // It failed on all of them: then not where it failed last, if that can be helped.
  if (!trouble->avoid.empty()) {
    if (Worker* worker = pool_.free_worker_at(place, {trouble->avoid.back()})) return worker;
  }
  return pool_.free_worker_at(place, {});
}

Worker* Machine::free_worker_for(const Job& job, const TaskId& task,
                                 const std::vector<WorkerId>& avoid) {
  const std::string_view place = job.stage(task.stage).place_of(task.index);
  return place.empty() ? pool_.free_worker(avoid) : pool_.free_worker_at(place, avoid);
}

bool Machine::anybody_for(const Job& job, const TaskId& task,
                          const std::vector<WorkerId>& avoid) const {
  const std::string_view place = job.stage(task.stage).place_of(task.index);
  return place.empty() ? pool_.anybody_but(avoid) : pool_.anybody_at(place, avoid);
}

bool Machine::may_run_at(const Job& job, const TaskId& task, const Worker& worker) {
  const std::string_view place = job.stage(task.stage).place_of(task.index);
  return place.empty() || place == worker.place;
}

void Machine::note_presence(const std::string& place) {
  if (place.empty()) return;
  const bool present = pool_.is_present(place);
  for (const JobId id : placed_) {
    Job& job = jobs_.at(id);
    bool concerned = false;
    for (StageTasks* stage : {&job.sample, &job.map}) {
      HostLane* lane = stage->lanes().find(place);
      if (lane == nullptr) continue;
      stage->lanes().note_absence(*lane, present ? std::nullopt : std::optional(now_));
      concerned = true;
    }
    if (concerned) file(job);
  }
}

void Machine::note_presence_for(Job& job) {
  for (StageTasks* stage : {&job.sample, &job.map}) {
    for (auto& [host, lane] : stage->lanes().all()) {
      if (!pool_.is_present(host)) stage->lanes().note_absence(lane, now_);
    }
    if (!stage->lanes().empty()) placed_.insert(job.id);
  }
}

void Machine::file_absence(const Job& job) {
  if (placed_.count(job.id) == 0) return;
  std::optional<Instant> due;
  const bool running = job.state == proto::JobState::kRunning && !job.reduced();
  for (const StageTasks* stage : {&job.sample, &job.map}) {
    if (!running) break;
    for (const std::string& host : stage->lanes().absent_hosts()) {
      const HostLane& lane = stage->lanes().at(host);
      if (lane.waiting == 0) continue;
      const Instant when = *lane.absent + options_.host_absence_max;
      if (!due || when < *due) due = when;
    }
  }
  if (due) {
    absences_.set(job.id, *due);
  } else {
    absences_.clear(job.id);
  }
}

void Machine::pass_absence(JobId id) {
  absences_.clear(id);
  std::vector<TaskId> overdue;
  std::string host;
  Job* job = find_job(id);
  for (StageTasks* stage : {&job->sample, &job->map}) {
    for (const std::string& name : stage->lanes().absent_hosts()) {
      const HostLane& lane = stage->lanes().at(name);
      if (lane.waiting == 0 || !overdue.empty()) continue;
      if (now_ < *lane.absent + options_.host_absence_max) continue;
      host = name;
      for (const auto& [begin, end] : lane.tasks) {
        for (std::uint32_t index = begin; index < end; ++index) {
          const TaskState state = stage->at(index).state;
          const bool waits = state == TaskState::kReady || state == TaskState::kDelayed;
          if (waits) overdue.push_back({id, stage->stage(), index});
        }
      }
    }
  }
  for (const TaskId& task : overdue) {
    job = find_job(id);
    // One of them may have ended the job, or decided what it goes on with.
    if (job == nullptr || job->state != proto::JobState::kRunning) return;
    const TaskState state = job->stage(task.stage).at(task.index).state;
    if (state != TaskState::kReady && state != TaskState::kDelayed) continue;
    task_deadlines_.clear(task);
    const Trouble* trouble = job->find_trouble(task.stage, task.index);
    const AttemptId first = trouble != nullptr ? trouble->first_failure : AttemptId{};
    fail_for_good(*job, {task, first, proto::FailureKind::kWorkerLost,
                         describe(task) + " waited " + seconds_of(options_.host_absence_max) +
                             " for a worker on host " + host + ", where its input lies"});
  }
  // There may be another host, or one more task of this one.
  if ((job = find_job(id)) != nullptr) file_absence(*job);
}

void Machine::describe_absences(const Job& job, Instant now, proto::JobStatus* status) const {
  if (job.state != proto::JobState::kRunning || placed_.count(job.id) == 0) return;
  std::size_t hosts = 0;
  for (const StageTasks* stage : {&job.sample, &job.map}) {
    for (const std::string& host : stage->lanes().absent_hosts()) {
      const HostLane& lane = stage->lanes().at(host);
      if (lane.waiting == 0 || ++hosts > kHostsTold) continue;
      const Duration left = *lane.absent + options_.host_absence_max - now;
      status->notes.push_back(
          std::to_string(lane.waiting) + (lane.waiting == 1 ? " task waits" : " tasks wait") +
          " for a worker on host " + host + ", where their input lies, since " +
          seconds_of(now - *lane.absent) + "; in " + seconds_of(left) + " they have failed");
    }
  }
  if (hosts > kHostsTold) {
    status->notes.push_back("tasks wait for workers on " + std::to_string(hosts - kHostsTold) +
                            " more hosts");
  }
}

}  // namespace fanfold::master::scheduling
