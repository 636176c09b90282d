#include "tests/scheduler/scheduler_test.hpp"

#include <algorithm>
#include <map>

namespace fanfold::master {

void SchedulerTest::submit(const Plan& plan) {
  JobSubmitted job;
  job.job = plan.job;
  job.split_bytes.assign(plan.maps, 100);
  job.partitions = plan.reduces;
  job.sample = plan.sample;
  job.attempts_max = plan.attempts_max;
  job.speculate = plan.speculate;
  job.verify_per_million = plan.verify_per_million;
  job.completion = plan.completion;
  job.on_deadline = plan.on_deadline;
  job.deadline_unix_us = plan.deadline_unix_us;
  job.retry = plan.retry;
  job.bad_records = plan.bad_records;
  job.control = plan.control;
  job.items = plan.items;
  job.gather_arity = plan.gather_arity;
  job.replicas = plan.replicas;
  job.open = plan.open;
  job.hosts = plan.hosts;
  job.sample_host = plan.sample_host;
  for (const Near& near : plan.preferred) {
    job.preferred.push_back({PreferredSplits::kAnywhere, near.count});
    if (near.hosts.empty()) continue;
    job.preferred.back().hosts = static_cast<std::uint32_t>(job.preferred_hosts.size());
    job.preferred_hosts.push_back(near.hosts);
  }
  job.locality_wait_ms = plan.locality_wait_ms;
  job.shuffle_mode = plan.shuffle_mode;
  job.over_network = plan.over_network;
  job.hot_partition_bytes = plan.hot_bytes;
  job.fold_hot = plan.fold_hot;
  step(job);
}

void SchedulerTest::join_with(std::uint64_t worker, std::uint32_t slots,
                              const std::vector<AssignAttempt>& running) {
  WorkerJoined joined{{worker}, slots, {}, {}, true};
  joined.name = "worker-" + std::to_string(worker);
  joined.place = places[worker];
  joined.host_name = host_names[worker];
  joined.host = machines[worker];
  joined.knows_homes = joined.knows_shares = older.count(worker) == 0;
  std::map<JobId, std::vector<AttemptId>> outputs;
  for (const Fact& fact : history) {
    const auto* committed = std::get_if<AttemptCommitted>(&fact);
    if (committed == nullptr || committed->worker.value != worker) continue;
    if (committed->task.stage == Stage::kMap) {
      outputs[committed->task.job].push_back(committed->attempt);
    }
  }
  for (const auto& [job, attempts] : outputs) joined.outputs.push_back({job, attempts});
  for (const AssignAttempt& one : running) {
    joined.attempts.push_back(
        {one.attempt, one.task, one.attempt_number, one.generation, /*running=*/true});
  }
  step(joined);
}

void SchedulerTest::join_without_outputs(std::uint64_t worker, std::uint32_t slots) {
  step(WorkerJoined{{worker}, slots, {}, {}, true});
}

void SchedulerTest::step(const Event& event) {
  last = Output();
  invariants.before(event);
  Output output;
  scheduler->step(now, event, &output);
  take(output);
  if (const auto* failed = std::get_if<AttemptFailed>(&event)) {
    std::erase_if(live, [&](const AssignAttempt& one) { return one.attempt == failed->attempt; });
  }
}

void SchedulerTest::take(const Output& output) {
  invariants.after(output);
  for (const std::string& violation : invariants.violations()) FAIL() << violation;
  const auto end = [this](AttemptId attempt) {
    std::erase_if(live, [&](const AssignAttempt& one) { return one.attempt == attempt; });
  };
  for (const Fact& fact : output.facts) {
    history.push_back(fact);
    last.facts.push_back(fact);
    if (const auto* committed = std::get_if<AttemptCommitted>(&fact)) end(committed->attempt);
  }
  for (const Action& action : output.actions) {
    last.actions.push_back(action);
    if (const auto* adopted = std::get_if<AdoptAttempt>(&action)) {
      live.push_back(
          {adopted->worker, adopted->attempt, adopted->task, adopted->attempt_number, false, 0, 0});
    } else if (const auto* listed = std::get_if<ListOutputs>(&action)) {
      lists[listed->job] = *listed;
    } else if (const auto* assigned = std::get_if<AssignAttempt>(&action)) {
      end(assigned->attempt);  // It may be sent again.
      live.push_back(*assigned);
    } else if (const auto* cancelled = std::get_if<CancelAttempt>(&action)) {
      end(cancelled->attempt);
    } else if (const auto* forgotten = std::get_if<ForgetWorker>(&action)) {
      std::erase_if(live,
                    [&](const AssignAttempt& one) { return one.worker == forgotten->worker; });
    }
  }
}

void SchedulerTest::heartbeat(std::uint64_t worker) {
  HeartbeatReceived event{{worker}, {}};
  for (const AssignAttempt& one : live) {
    if (one.worker.value == worker) event.attempts.push_back({one.attempt, 0, 0, true});
  }
  step(event);
}

AssignAttempt SchedulerTest::assignment(Stage stage, std::uint32_t index, JobId job) {
  const TaskId task{job, stage, index};
  const auto it = std::find_if(live.rbegin(), live.rend(),
                               [&](const AssignAttempt& one) { return one.task == task; });
  if (it == live.rend()) {
    ADD_FAILURE() << name_of(task) << " is not assigned";
    return {};
  }
  return *it;
}

void SchedulerTest::commit(const AssignAttempt& attempt, bool output_empty) {
  step(CommitRequested{attempt.worker, attempt.attempt, output_empty, 10, {}, 0});
}

void SchedulerTest::commit_flow(const AssignAttempt& attempt, std::uint64_t records,
                                std::uint64_t sum) {
  step(CommitRequested{attempt.worker, attempt.attempt, false, 10, {records, sum, 0}, 0});
}

void SchedulerTest::give(const AssignAttempt& attempt, std::uint64_t digest) {
  step(CommitRequested{.worker = attempt.worker,
                       .attempt = attempt.attempt,
                       .bytes_out = 10,
                       .flow = {digest, 0, 0},
                       .digest = digest});
}

void SchedulerTest::fail(const AssignAttempt& attempt, FailureKind kind,
                         std::vector<AttemptId> lost) {
  step(AttemptFailed{attempt.worker, attempt.attempt, kind, std::move(lost), {}});
}

void SchedulerTest::commit_all(Stage stage, JobId job) {
  for (;;) {
    const auto it = std::find_if(live.begin(), live.end(), [&](const AssignAttempt& one) {
      return one.task.stage == stage && one.task.job == job;
    });
    if (it == live.end()) return;
    commit(AssignAttempt(*it));
  }
}

void SchedulerTest::commit_all_maps(JobId job) { commit_all(Stage::kMap, job); }

void SchedulerTest::commit_all_reduces(JobId job) { commit_all(Stage::kReduce, job); }

void SchedulerTest::wait(Duration duration) {
  const Instant until = now + duration;
  Output all;
  const auto pass = [&] {
    step(Tick{});
    all.facts.insert(all.facts.end(), last.facts.begin(), last.facts.end());
    all.actions.insert(all.actions.end(), last.actions.begin(), last.actions.end());
  };
  for (std::optional<Instant> next = scheduler->next_deadline(); next && *next < until;
       next = scheduler->next_deadline()) {
    ASSERT_TRUE(*next > now) << "a deadline that does not pass";
    now = *next;
    pass();
  }
  now = until;
  pass();
  last = all;
}

void SchedulerTest::wait_with_heartbeats(Duration duration) {
  const Instant until = now + duration;
  Output all;
  const auto keep = [&] {
    all.facts.insert(all.facts.end(), last.facts.begin(), last.facts.end());
    all.actions.insert(all.actions.end(), last.actions.begin(), last.actions.end());
  };
  while (now < until) {
    wait(std::min<Duration>(1s, until - now));
    keep();
    for (const proto::WorkerStatus& worker : scheduler->workers(now)) {
      heartbeat(worker.worker.value);
      keep();
    }
  }
  last = all;
}

void SchedulerTest::restart() {
  scheduler = std::make_unique<Scheduler>(SchedulerOptions{kSilence, ++epoch});
  for (const Fact& fact : history) scheduler->restore(fact);
  live.clear();
  invariants.restart();
}

proto::StageStatus SchedulerTest::stage_status(Stage stage, JobId job) const {
  for (const proto::StageStatus& one : status(job).stages) {
    if (one.stage == stage) return one;
  }
  ADD_FAILURE() << "no such stage";
  return {};
}

std::string SchedulerTest::text() const {
  std::string text;
  for (const Fact& fact : last.facts) text += "fact " + to_text(fact) + "\n";
  for (const Action& action : last.actions) text += to_text(action) + "\n";
  return text;
}

std::size_t SchedulerTest::live_on(std::uint64_t worker) const {
  return static_cast<std::size_t>(
      std::count_if(live.begin(), live.end(),
                    [&](const AssignAttempt& one) { return one.worker.value == worker; }));
}

}  // namespace fanfold::master
