#include "tests/chaos/cluster.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "cli/process/spawn.hpp"

namespace fanfold::chaos {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr Duration kStartPatience = 60s;
/// Orderly: drain, answers, removal of files.
constexpr Duration kStopPatience = 30s;

std::string milliseconds(Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

std::string program(const std::string& name) {
  return (fs::path(FANFOLD_BIN).parent_path() / name).string();
}

/// The line that fanfold-master writes: where it listens.
std::string read_line(int descriptor) {
  std::string line;
  for (char byte = 0; ::read(descriptor, &byte, 1) == 1 && byte != '\n';) line += byte;
  return line;
}

}  // namespace

ChaosCluster::ChaosCluster(const e2e::Workspace& workspace, const ClusterOptions& options,
                           History& history)
    : workspace_(workspace),
      options_(options),
      directory_(workspace.path("c")),
      scratch_(directory_ + "/s") {
  fs::create_directory(directory_);
  fs::permissions(directory_, fs::perms::owner_all);
  fs::create_directory(scratch_);
  if (options.scratch_bytes > 0) {
    small_disk_ = std::make_unique<SmallDisk>(scratch_, options.scratch_bytes);
  }
  start_master();
  if (options.relays) {
    links_ = std::make_unique<Links>(options.workers, options.relay_seed);
    links_->lead_to_master(address_);
  }
  for (std::size_t number = 0; number < options.workers; ++number) add_worker(number);
  client_ = std::make_unique<JobClient>(links_ ? links_->of_client().address() : address_, history);
  if (!heal()) throw std::runtime_error("the cluster did not start; logs are in " + directory_);
}

void ChaosCluster::start_master() {
  DaemonCommand command;
  command.program = program("fanfold-master");
  command.log = directory_ + "/master.log";
  command.arguments = {"--listen",
                       tcp() ? "tcp://127.0.0.1:0" : "ipc://" + directory_ + "/m",
                       "--state",
                       directory_ + "/state",
                       "--worker-silence-ms",
                       milliseconds(options_.worker_silence),
                       "--heartbeat-ms",
                       milliseconds(options_.heartbeat)};
  if (tcp()) command.arguments.push_back("--allow-unauthenticated-tcp");
  const auto pipe = cli::make_pipe();
  if (!pipe.ok()) throw std::runtime_error(pipe.status().message());
  master_ = std::make_unique<Daemon>(command);
  master_->command().arguments.insert(master_->command().arguments.end(),
                                      {"--ready-fd", std::to_string(pipe->write_end)});
  master_->command().inherited = {pipe->write_end};
  master_->start();
  ::close(pipe->write_end);
  address_ = read_line(pipe->read_end);
  ::close(pipe->read_end);
  if (address_.empty()) throw std::runtime_error("the master did not start: " + command.log);
  // Started again, it takes the place of the one before: same state, same address.
  command.arguments[1] = address_;
  master_->command() = command;
}

void ChaosCluster::add_worker(std::size_t number) {
  DaemonCommand command;
  const std::string name = "worker-" + std::to_string(number);
  command.program = program("fanfold-worker");
  command.log = directory_ + "/" + name + ".log";
  command.arguments = {"--master",  links_ ? links_->of_worker(number).address() : address_,
                       "--scratch", scratch_,
                       "--name",    name,
                       "--slots",   std::to_string(options_.slots),
                       "--memory",  options_.executor_memory};
  if (tcp()) {
    command.arguments.insert(command.arguments.end(), {"--allow-unauthenticated-tcp",
                                                       "--data-address", "tcp://127.0.0.1:0"});
  }
  if (links_) {
    links_->lead_to_data_server(number, command.log);
    command.arguments.insert(command.arguments.end(),
                             {"--data-advertised", links_->of_data_server(number).address()});
  }
  workers_.push_back(std::make_unique<Daemon>(command));
}

std::vector<pid_t> ChaosCluster::executors(std::size_t number) const {
  const pid_t worker = workers_[number]->pid();
  std::vector<pid_t> executors;
  if (worker <= 0) return executors;
  for (const pid_t pid : e2e::descendants_of(worker)) {
    // Between the worker and its executors stands the zygote.
    for (const pid_t inner : e2e::descendants_of(pid)) executors.push_back(inner);
  }
  return executors;
}

std::vector<std::pair<std::string, pid_t>> ChaosCluster::processes() const {
  std::vector<std::pair<std::string, pid_t>> processes = {{"master", master_->pid()}};
  for (std::size_t number = 0; number < workers_.size(); ++number) {
    processes.emplace_back("worker-" + std::to_string(number), workers_[number]->pid());
  }
  return processes;
}

bool ChaosCluster::heal() {
  const Instant begin = steady_clock().now();
  while (steady_clock().now() < begin + kStartPatience) {
    if (!master_->running()) master_->start();
    for (const auto& worker : workers_) {
      if (!worker->running()) worker->start();
    }
    const auto cluster = client_->cluster(500ms);
    if (!cluster) continue;
    std::size_t welcome = 0;
    for (const proto::WorkerStatus& status : cluster->workers) {
      // A connection that broke just before is not known to have: it has to be heard anew.
      const Duration waited = steady_clock().now() - begin - options_.heartbeat;
      if (status.draining || std::chrono::milliseconds(status.silent_ms) > waited) continue;
      welcome += static_cast<std::size_t>(std::count_if(
          workers_.begin(), workers_.end(),
          [&](const auto& worker) { return worker->pid() == static_cast<pid_t>(status.process); }));
    }
    if (welcome == workers_.size()) return true;
    client_->rest(steady_clock().now() + 20ms);
  }
  return false;
}

std::string ChaosCluster::keep_logs(std::uint64_t number) const {
  const std::string kept = workspace_.root() + "-kept-" + std::to_string(number);
  fs::rename(directory_, kept);
  return kept;
}

std::vector<std::string> ChaosCluster::stop() {
  std::vector<std::string> left;
  if (!client_->stop_cluster(10s)) left.push_back("the master did not answer a request to stop");
  const Instant deadline = steady_clock().now() + kStopPatience;
  const auto await = [&](const std::string& name, Daemon& daemon) {
    if (daemon.wait_for_end(std::max(deadline - steady_clock().now(), Duration(0)))) {
      if (daemon.end() != "exit status 0") left.push_back(name + " ended with " + daemon.end());
      return;
    }
    left.push_back(name + " did not end when the cluster was stopped");
    daemon.kill();
  };
  await("master", *master_);
  for (std::size_t number = 0; number < workers_.size(); ++number) {
    await("worker-" + std::to_string(number), *workers_[number]);
  }
  for (const pid_t pid : e2e::processes_naming(workspace_.root())) {
    left.push_back("process " + std::to_string(pid) + ": " + e2e::command_line_of(pid));
  }
  for (const auto& entry : fs::directory_iterator(scratch_)) {
    left.push_back("scratch " + entry.path().string());
  }
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    if (entry.is_socket()) left.push_back("socket " + entry.path().string());
  }
  small_disk_.reset();
  return left;
}

}  // namespace fanfold::chaos
