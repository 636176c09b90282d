#include "sim/cluster/jobs.hpp"

#include <algorithm>
#include <chrono>
#include <memory>

#include "common/inputs/host_input.hpp"
#include "common/proto/failures.hpp"
#include "sim/doors/host_files.hpp"
#include "sim/doors/task_work.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr const char* kInputs = "/shared/in";
constexpr const char* kOutputs = "/shared/out";
constexpr const char* kEarlierOutputs = "/shared/earlier";

void ask_for_completion(const Config& config, proto::JobSpec* spec) {
  spec->completion.rule = static_cast<proto::CompletionRule>(config.completion);
  if (spec->completion.rule == proto::CompletionRule::kMinSuccessful) {
    spec->completion.per_million = static_cast<std::uint32_t>(config.completion_percent * 10'000);
  }
  spec->deadline_ms = config.deadline_ms;
  if (config.deadline_ms != 0 && config.deadline_partial != 0) {
    spec->on_deadline = proto::OnDeadline::kPartial;
  }
  if (config.retry == 0) return;
  spec->attempts_max = 0;
  spec->retry = {{.errors = {"Task.Signal", "Task.Stalled"},
                  .interval_ms = 100,
                  .attempts_max = 3,
                  .delay_ms_max = 4000,
                  .jitter = proto::Jitter::kFull},
                 {.errors = {"States.ALL"}, .interval_ms = 500, .attempts_max = 3}};
}

void control(const Draws& draws, std::uint64_t index, JobPlan* job) {
  const auto draw = [&](std::uint64_t what, std::uint64_t low, std::uint64_t high) {
    return draws.between(Stream::kWorkload, {index, 9, what}, low, high);
  };
  proto::JobControl& first = job->spec.control;
  first.max_concurrency = static_cast<std::uint32_t>(draw(1, 0, 4));
  first.priority = static_cast<std::uint32_t>(40 + 10 * draw(2, 0, 2));
  first.weight = static_cast<std::uint32_t>(draw(3, 1, 4));
  job->pause_after = std::chrono::milliseconds(draw(4, 0, 3000));
  job->pause_for = std::chrono::milliseconds(draw(5, 0, 3000));
}

void replicate(const Config& config, proto::ReplicaPolicy* policy) {
  policy->replicas = static_cast<std::uint32_t>(config.replicas);
  policy->accept = static_cast<proto::AcceptRule>(config.accept);
  // Where results differ it takes all of them, and a job would wait for more workers for ever.
  if (policy->votes() && policy->replicas > config.workers) {
    policy->replicas = static_cast<std::uint32_t>(config.workers);
  }
  const bool quorum = policy->accept == proto::AcceptRule::kQuorum;
  if (policy->replicas < (quorum ? 3 : 2)) *policy = {};
  policy->hedge_per_mille = static_cast<std::uint32_t>(config.hedge_per_mille);
}

std::uint64_t count_of(const Config& config) { return config.splits * config.records; }

/// The records of the `i`-th job that do harm, and how.
Poison poison_of(const Config& config, const Draws& draws, std::uint64_t i, Faults& faults) {
  Poison poison;
  for (std::uint64_t n = 0; n < count_of(config) && config.on_bad_record != 0; ++n) {
    const Fault fault{FaultKind::kPoisonRecord, static_cast<std::uint32_t>(i),
                      static_cast<std::uint32_t>(n), 0};
    if (!faults.happens(fault)) continue;
    poison[i * kNumbersPerJob + n] = static_cast<Harm>(faults.measure(fault, 0, 0, 2));
  }
  for (std::uint64_t k = 0; i == 1 && k < config.poison && count_of(config) > 0; ++k) {
    poison[kNumbersPerJob + draws.between(Stream::kWorkload, {k, 6}, 0, count_of(config) - 1)] =
        Harm::kCrash;
  }
  return poison;
}

/// What the maps of the `i`-th job count as failures.  Its records are its items.
void fail_items(const Config& config, const Draws& draws, std::uint64_t i, JobPlan* job) {
  if (config.item_failures == 0) return;
  job->spec.items = count_of(config);
  job->spec.control.failures_max = config.failures_max;
  job->spec.control.failures_per_million = static_cast<std::uint32_t>(config.failures_per_million);
  for (const std::uint64_t number : job->numbers) {
    const std::uint64_t drawn = draws.bits(Stream::kWorkload, {i, 10, number}) % 100;
    if (drawn < config.item_failures) job->failing.emplace(number, 1);
  }
  if (config.item_never != 0 && !job->failing.empty()) {
    job->failing.begin()->second = static_cast<std::uint64_t>(proto::kNeverTolerated);
  }
  if (config.lower_tolerance == 0) return;
  job->intolerant_after =
      std::chrono::milliseconds(draws.between(Stream::kWorkload, {i, 11}, 0, 5000));
}

/// The last splits come from feeders, some splits at a time.
void feed(const Config& config, const Draws& draws, std::uint64_t i, JobPlan* job) {
  if (config.fed == 0) return;
  const auto draw = [&](std::uint64_t what, std::uint64_t low, std::uint64_t high) {
    return draws.between(Stream::kWorkload, {i, 12, what}, low, high);
  };
  job->spec.open = true;
  const std::uint64_t planned = config.splits - std::min(config.fed, config.splits);
  if (planned == 0) job->spec.inputs.clear();
  job->feeders.resize(draw(1, 1, 3));
  for (std::size_t n = 0; n < job->feeders.size(); ++n) {
    job->feeders[n].name = "feeder-" + std::to_string(n);
    job->feeders[n].gives_up = draw(2 + n, 0, 3) == 0;
  }
  std::uint64_t drawn = 10;
  for (std::uint64_t split = planned; split < config.splits;) {
    const std::uint64_t end = std::min(split + draw(++drawn, 1, 3), config.splits);
    FeedPlan& feeder = job->feeders[draw(++drawn, 0, job->feeders.size() - 1)];
    feeder.batches.emplace_back(
        job->numbers.begin() + static_cast<std::ptrdiff_t>(split * config.records),
        job->numbers.begin() + static_cast<std::ptrdiff_t>(end * config.records));
    split = end;
  }
}

/// A host without a worker would be waited for in vain.
std::uint64_t hosts_of(const Config& config) { return std::min(config.hosts, config.workers); }

/// Whole splits, one host after the other.  The path tells the first record of the file.
void lay_on_hosts(const Config& config, JobPlan* job) {
  job->spec.inputs.clear();
  for (std::uint64_t host = 0; host < hosts_of(config); ++host) {
    const std::uint64_t first = config.splits * host / hosts_of(config) * config.records;
    const std::uint64_t end = config.splits * (host + 1) / hosts_of(config) * config.records;
    const std::string path = "/in/" + std::to_string(first) + "/" + job->spec.job_name;
    job->spec.inputs.push_back(inputs::host_path("h" + std::to_string(host + 1), path));
    job->on_hosts.emplace_back(first, end);
  }
}

/// Each job others, and every second one two.
void prefer_hosts(const Config& config, std::uint64_t i, JobPlan* job) {
  if (job->spec.inputs.empty()) return;
  proto::Preference preference{job->spec.inputs.front(), {}};
  for (std::uint64_t k = 0; k < 1 + i % 2; ++k) {
    preference.hosts.push_back("h" + std::to_string((i + k) % config.near + 1));
  }
  job->spec.prefer = {std::move(preference)};
  job->spec.locality_wait_ms = config.locality_wait_ms;
}

}  // namespace

std::string host_of_worker(const Config& config, std::uint32_t worker) {
  if (config.near != 0) return "h" + std::to_string((worker - 1) % config.near + 1);
  if (hosts_of(config) == 0) return {};
  return "h" + std::to_string((worker - 1) % hosts_of(config) + 1);
}

std::vector<JobPlan> plan_jobs(const Config& config, const Draws& draws, Faults& faults) {
  std::vector<JobPlan> jobs;
  for (std::uint64_t i = 1; i <= config.jobs; ++i) {
    JobPlan job;
    const std::string name = "job-" + std::to_string(i);
    for (std::uint64_t n = 0; n < count_of(config); ++n) {
      job.numbers.push_back(i * kNumbersPerJob + n);
    }
    proto::JobSpec& spec = job.spec;
    spec.job_name = name;
    spec.plugin = {.name = "numbers.so", .path = "/numbers.so", .sha256 = std::string(64, 'a')};
    spec.inputs = {std::string(kInputs) + "/" + name};
    spec.output = std::string(kOutputs) + "/" + name;
    spec.partitions = static_cast<std::uint32_t>(config.partitions);
    spec.split_bytes = std::max<std::uint64_t>(config.records, 1) * kLineBytes;
    spec.attempts_max = static_cast<std::uint32_t>(config.attempts);
    spec.speculate = config.speculate != 0;
    spec.verify_per_million = static_cast<std::uint32_t>(config.verify_per_cent * 10'000);
    spec.stall_timeout_ms = config.stall_ms;
    spec.shuffle_mode = static_cast<proto::ShuffleMode>(config.shuffle);
    if (config.over_network != 0) spec.shuffle = proto::ShufflePath::kNetwork;
    replicate(config, &spec.replicas);
    ask_for_completion(config, &spec);
    spec.bad_records.what = static_cast<proto::OnBadRecord>(config.on_bad_record);
    spec.bad_records.records_max = static_cast<std::uint32_t>(config.bad_records_max);
    spec.bad_records.per_million = static_cast<std::uint32_t>(config.bad_per_million);
    if (config.gather_arity >= abi::kGatherArityLeast) {
      spec.gather = {static_cast<abi::Gather>(config.gather),
                     static_cast<std::uint32_t>(config.gather_arity)};
    }
    spec.hot_partition_bytes = config.hot_bytes != 0 ? config.hot_bytes : proto::kNeverHot;
    if (config.hot_usual != 0) spec.hot_partition_bytes = proto::kHotFromUsualBytes;
    spec.fold_hot = config.hot_bytes != 0 && spec.gather.how != abi::Gather::kReduce;
    job.poison = poison_of(config, draws, i, faults);
    spec.client_id = name;
    spec.submitted_by = "sim";
    job.submit_after = std::chrono::milliseconds(
        draws.between(Stream::kWorkload, {i, 5}, 0, i == 1 ? config.submit_ms : 5000));
    if (config.control != 0) control(draws, i, &job);
    fail_items(config, draws, i, &job);
    feed(config, draws, i, &job);
    if (config.hosts != 0) lay_on_hosts(config, &job);
    if (config.near != 0) prefer_hosts(config, i, &job);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<JobPlan> as_of_earlier(std::vector<JobPlan> jobs) {
  for (JobPlan& job : jobs) {
    job.spec.output = kEarlierOutputs + ("/" + job.spec.job_name);
    job.spec.job_name = job.spec.client_id = "earlier-" + job.spec.job_name;
    job.submit_after = std::min<Duration>(job.submit_after, 100ms);
  }
  return jobs;
}

namespace {

void write_on_hosts(Disks& disks, const JobPlan& job) {
  for (std::size_t host = 0; host < job.on_hosts.size(); ++host) {
    auto file = std::make_shared<FileBytes>();
    const auto [first, end] = job.on_hosts[host];
    for (std::uint64_t n = first; n < end; ++n) file->bytes += line_of(job.numbers[n]);
    file->synced = file->bytes.size();
    disks.add(disk_path(job.spec.inputs[host]), {false, disks.new_inode(), file}, 0);
  }
}

}  // namespace

void write_inputs(Disks& disks, const std::vector<JobPlan>& jobs) {
  for (const char* directory : {"/shared", kInputs, kOutputs, kEarlierOutputs}) {
    disks.add(directory, {true, disks.new_inode(), nullptr}, 0);
  }
  for (const JobPlan& job : jobs) {
    auto file = std::make_shared<FileBytes>();
    std::size_t fed = 0;
    for (const FeedPlan& feeder : job.feeders) {
      for (const auto& batch : feeder.batches) fed += batch.size();
    }
    for (std::size_t n = 0; n + fed < job.numbers.size(); ++n) {
      file->bytes += line_of(job.numbers[n]);
    }
    file->synced = file->bytes.size();
    if (job.spec.inputs.empty()) continue;
    if (!job.on_hosts.empty()) {
      write_on_hosts(disks, job);
      continue;
    }
    disks.add(job.spec.inputs.front(), {false, disks.new_inode(), file}, 0);
  }
  for (const char* directory : {"/", "/shared", kInputs}) disks.sync_names(directory, 0);
}

ExecutorOptions executor_options(const Config& config, const Draws& draws, std::uint32_t worker,
                                 std::uint64_t life, const std::vector<JobPlan>& jobs) {
  ExecutorOptions options;
  options.task_min = std::chrono::milliseconds(config.task_ms_min);
  options.task_max = std::chrono::milliseconds(config.task_ms_max);
  options.work.nondeterministic = config.nondeterministic != 0;
  // What it gave before it died may still be on its way: in another life it would vote twice.
  proto::ReplicaPolicy policy;
  replicate(config, &policy);
  options.work.corrupt = config.corrupt == worker && life == 1 && policy.votes();
  for (const JobPlan& job : jobs) {
    options.poison.insert(job.poison.begin(), job.poison.end());
    options.work.failing.insert(job.failing.begin(), job.failing.end());
  }
  // One worker in ten is slow, up to fifty times.
  if (draws.bits(Stream::kWorkload, {worker, 7}) % 10 == 0) {
    options.slow_per_cent =
        static_cast<std::uint32_t>(draws.between(Stream::kWorkload, {worker, 8}, 50, 5000));
  }
  return options;
}

}  // namespace fanfold::sim
