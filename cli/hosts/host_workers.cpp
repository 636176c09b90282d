#include "cli/hosts/host_workers.hpp"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>
#include <utility>

#include "cli/client/client.hpp"
#include "cli/cluster/keyed_master.hpp"
#include "cli/cluster/programs.hpp"
#include "cli/hosts/host_keys.hpp"
#include "cli/hosts/host_scripts.hpp"
#include "common/core/clock.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWelcomePatience = 30s;
constexpr int kLookEveryMs = 50;
/// More than clocks that are kept right differ, and a slow connection takes.
constexpr std::int64_t kClockOffSeconds = 30;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// "word value" lines; of those with one word the last: before it comes what a shell of the host
/// says to everybody.
std::map<std::string, std::string> fields_of(const std::string& text) {
  std::map<std::string, std::string> fields;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t space = line.find(' ');
    if (space == line.npos) continue;
    fields.insert_or_assign(std::string(line.substr(0, space)), line.substr(space + 1));
  }
  return fields;
}

/// 0: no number.
template <class Number>
Number number_in(const std::string& text) {
  Number number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && number > 0 ? number : 0;
}

/// All of them in one message: who mends the first should not have to find the second later.
Status all_of(const std::vector<Status>& failures) {
  std::string message;
  for (const Status& failure : failures) {
    message += (message.empty() ? "" : "\n") + failure.message();
  }
  return failures.empty() ? Status() : Status(failures.front().code(), message);
}

}  // namespace

HostWorkers::HostWorkers(HostWorkersPlace place, const HostRecord& record)
    : place_(std::move(place)),
      cluster_(record.cluster),
      shell_({place_.directory, record.ssh_config}) {
  for (const Host& host : record.hosts) workers_.push_back({.host = host});
}

RemoteCall HostWorkers::call(const Worker& worker, std::string_view script,
                             std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {cluster_, worker.host.name});
  return {worker.host, {std::string(kCommonScript) + std::string(script), std::move(arguments)}};
}

std::string HostWorkers::program_of(const Host& host) const {
  return (host.bin.empty() ? place_.program_directory : host.bin) + "/fanfold-worker";
}

Status HostWorkers::look(Interrupts& interrupts) {
  std::vector<RemoteCall> calls;
  for (const Worker& worker : workers_) {
    calls.push_back(call(worker, kProbeScript, {program_of(worker.host)}));
  }
  const std::int64_t before = seconds_now();
  const std::vector<RemoteAnswer> answers = shell_.run(calls, interrupts);
  std::vector<Status> failures;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Status status = answers[i].status;
    if (status.ok()) status = read_probe(answers[i].output, before, &workers_[i]);
    if (!status.ok()) failures.push_back(std::move(status));
  }
  return all_of(failures);
}

Status HostWorkers::read_probe(const std::string& output, std::int64_t before, Worker* worker) {
  std::map<std::string, std::string> fields = fields_of(output);
  const std::string who = "host " + worker->host.name;
  const std::string wanted = "fanfold-worker " + place_.version;
  if (fields["version"] != wanted) {
    return Status(StatusCode::kInvalidArgument,
                  who + " has '" + printable(fields["version"], false) + "' as " +
                      program_of(worker->host) + ", and this is " + place_.version +
                      ": install the same version there, or say where it is (bin=).");
  }
  const auto there = number_in<std::int64_t>(fields["clock"]);
  const std::int64_t off =
      there < before ? there - before : std::max<std::int64_t>(there - seconds_now(), 0);
  if (std::abs(off) >= kClockOffSeconds) {
    notes_.push_back("the clock of " + who + " is " +
                     plural(static_cast<std::uint64_t>(std::abs(off)), "second") +
                     (off < 0 ? " behind" : " ahead") +
                     ": jobs run, but times in its logs and temporary keys mislead; set it");
  }
  worker->process = number_in<pid_t>(fields["worker"]);
  FANFOLD_ASSIGN_OR_RETURN(worker->has_key,
                           accepts_key(place_.directory, worker->host.name, fields["key"]));
  FANFOLD_ASSIGN_OR_RETURN(const MasterKeys master, master_keys(place_.directory));
  worker->knows_master = fields["master"] == master.in_use &&
                         fields["other"] == (master.other.empty() ? "none" : master.other);
  return {};
}

Status HostWorkers::tell_master(Interrupts& interrupts) {
  FANFOLD_ASSIGN_OR_RETURN(const MasterKeys master, master_keys(place_.directory));
  std::vector<RemoteCall> calls;
  for (const Worker& worker : workers_) {
    // One without a key gets a new one, which knows the master.
    if (!worker.has_key || worker.knows_master) continue;
    calls.push_back(call(worker, kLearnScript, {master.in_use, master.other}));
  }
  std::vector<Status> failures;
  for (const RemoteAnswer& answer : shell_.run(calls, interrupts)) {
    if (!answer.status.ok()) failures.push_back(answer.status);
  }
  return all_of(failures);
}

Result<RemoteCall> HostWorkers::start_call(const Worker& worker) const {
  std::string key;
  if (!worker.has_key) {
    FANFOLD_ASSIGN_OR_RETURN(key, make_host_key(place_.directory, worker.host.name));
  }
  const Host& host = worker.host;
  std::vector<std::string> words = {key, program_of(host)};
  for (std::string& word :
       distant_worker_arguments({place_.master, host.name, host.slots, host.memory_bytes,
                                 host.scratch, host.name, host.inputs})) {
    words.push_back(std::move(word));
  }
  return call(worker, kStartScript, std::move(words));
}

Status HostWorkers::start(Interrupts& interrupts) {
  std::vector<RemoteCall> calls;
  std::vector<Worker*> called;
  for (Worker& worker : workers_) {
    if (worker.process != 0) continue;
    FANFOLD_ASSIGN_OR_RETURN(RemoteCall one, start_call(worker));
    calls.push_back(std::move(one));
    called.push_back(&worker);
  }
  // Also of a host whose answer is lost: something may run there.
  for (Worker* worker : called) worker->started = true;
  const std::vector<RemoteAnswer> answers = shell_.run(calls, interrupts);
  std::vector<Status> failures;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    called[i]->process = number_in<pid_t>(fields_of(answers[i].output)["worker"]);
    if (!answers[i].status.ok()) failures.push_back(answers[i].status);
  }
  return all_of(failures);
}

Result<std::vector<const HostWorkers::Worker*>> HostWorkers::missing() const {
  FANFOLD_ASSIGN_OR_RETURN(
      const std::unique_ptr<Client> client,
      connect_client({place_.master, owner_key(place_.directory)}, steady_clock(), {}));
  FANFOLD_ASSIGN_OR_RETURN(const proto::ClusterReply cluster,
                           client->ask<proto::ClusterReply>(proto::GetCluster{}));
  std::vector<const Worker*> missing;
  for (const Worker& worker : workers_) {
    const bool listed = std::any_of(
        cluster.workers.begin(), cluster.workers.end(), [&](const proto::WorkerStatus& one) {
          return one.name == worker.host.name &&
                 one.process == static_cast<std::uint32_t>(worker.process);
        });
    if (!listed) missing.push_back(&worker);
  }
  return missing;
}

Status HostWorkers::wait_until_welcomed(Interrupts& interrupts) {
  const Instant deadline = steady_clock().now() + kWelcomePatience;
  while (true) {
    FANFOLD_ASSIGN_OR_RETURN(const std::vector<const Worker*> absent, missing());
    if (absent.empty()) return {};
    pollfd wait = {interrupts.descriptor(), POLLIN, 0};
    ::poll(&wait, 1, kLookEveryMs);
    interrupts.drain();
    if (interrupts.count() > 0) return Status(StatusCode::kAborted, "interrupted");
    if (steady_clock().now() < deadline) continue;
    return Status(StatusCode::kUnavailable, ends_of_logs(absent, interrupts));
  }
}

std::string HostWorkers::ends_of_logs(const std::vector<const Worker*>& workers,
                                      Interrupts& interrupts) const {
  std::vector<RemoteCall> calls;
  for (const Worker* worker : workers) calls.push_back(call(*worker, kTailScript, {}));
  const std::vector<RemoteAnswer> answers = shell_.run(calls, interrupts);
  std::string message;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    message +=
        (message.empty() ? "" : "\n") + ("the worker of host " + workers[i]->host.name) +
        " has not reached the master at " + place_.master + " within 30 s; its log ends:\n" +
        printable(answers[i].status.ok() ? answers[i].output : answers[i].status.message(), true);
    while (message.back() == '\n') message.pop_back();
  }
  return message;
}

std::vector<Host> HostWorkers::stop_started(Interrupts& interrupts) {
  std::vector<RemoteCall> calls;
  for (const Worker& worker : workers_) {
    if (worker.started) calls.push_back(call(worker, kStopScript, {}));
  }
  const std::vector<RemoteAnswer> answers = shell_.run(calls, interrupts);
  std::vector<Host> left;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].status.ok()) left.push_back(calls[i].host);
  }
  return left;
}

Status HostWorkers::stop_all(Interrupts& interrupts, std::vector<Host>* left) {
  return end_all(kStopScript, interrupts, left);
}

Status HostWorkers::let_go(Interrupts& interrupts, std::vector<Host>* left) {
  return end_all(kLeaveScript, interrupts, left);
}

Status HostWorkers::end_all(std::string_view script, Interrupts& interrupts,
                            std::vector<Host>* left) const {
  std::vector<RemoteCall> calls;
  for (const Worker& worker : workers_) calls.push_back(call(worker, script, {}));
  const std::vector<RemoteAnswer> answers = shell_.run(calls, interrupts);
  left->clear();
  std::vector<Status> failures;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].status.ok()) continue;
    left->push_back(workers_[i].host);
    failures.push_back(answers[i].status);
  }
  return all_of(failures);
}

std::uint32_t HostWorkers::started() const {
  return static_cast<std::uint32_t>(std::count_if(
      workers_.begin(), workers_.end(), [](const Worker& worker) { return worker.started; }));
}

}  // namespace fanfold::cli
