#include "tests/hosts/hosted_cluster.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace fanfold::hosts {
namespace {

using Json = nlohmann::json;

std::string program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  return (std::filesystem::path(FANFOLD_BIN).parent_path() / name).string();
}

std::string name_of(int host) { return "h" + std::to_string(host); }

}  // namespace

HostedCluster::HostedCluster(const e2e::Workspace& workspace, Timing timing)
    : workspace_(workspace),
      disk_(workspace.path("disk")),
      address_("tcp://" + Network::address(1) + ":7077") {
  std::filesystem::create_directory(disk_);
  const e2e::Outcome made = e2e::run(workspace_, {"keys", "init", "--dir", workspace.path("keys")});
  if (made.exit_code != 0) throw std::runtime_error(made.both());
  make_key("alice", "client");
  network_.add_host(1, disk_, kLargeDisk);
  std::vector<std::string> words = {"--listen",   address_,
                                    "--keys",     workspace.path("keys"),
                                    "--state",    workspace.path("state"),
                                    "--log-file", workspace.path("master.log")};
  if (timing == Timing::kQuick) {
    words.insert(words.end(), {"--heartbeat-ms", "200", "--worker-silence-ms", "3000"});
  }
  master_ = on_host(1, "fanfold-master", std::move(words));
  const bool up = e2e::eventually(
      [&] { return master_log().find("master.started") != std::string::npos || master_->ended(); });
  if (!up || master_->ended()) throw std::runtime_error("no master: " + master_->err_so_far());
}

HostedCluster::~HostedCluster() {
  for (int host = 1; host < 10; ++host) network_.remove_host(host);
}

void HostedCluster::make_key(const std::string& name, const std::string& role) const {
  const e2e::Outcome made =
      e2e::run(workspace_, {"keys", "add", name, "--role", role, "--dir", workspace_.path("keys")});
  if (made.exit_code != 0) throw std::runtime_error(made.both());
}

std::string HostedCluster::key(const std::string& name) const {
  return workspace_.path("keys/" + name + ".key");
}

std::unique_ptr<e2e::Running> HostedCluster::on_host(int host, const std::string& name,
                                                     std::vector<std::string> words) {
  std::vector<std::string> all = network_.enter(host, workspace_.root());
  e2e::CommandOptions options;
  options.program = all.front();
  all.erase(all.begin());
  all.push_back(program(name));
  all.insert(all.end(), words.begin(), words.end());
  return std::make_unique<e2e::Running>(workspace_, std::move(all), options);
}

void HostedCluster::mount_on(int host, std::string source, std::string target) {
  mounts_[host] = {std::move(source), std::move(target)};
}

void HostedCluster::start_worker(int host, std::uint64_t disk_bytes) {
  // Host 1 is there, and its master with it.
  if (host != 1) network_.add_host(host, disk_, disk_bytes);
  if (const auto own = mounts_.find(host); own != mounts_.end()) {
    const e2e::Outcome mounted =
        on_host(host, "/bin/mount", {"--bind", own->second.source, own->second.target})->wait();
    if (mounted.exit_code != 0) throw std::runtime_error(mounted.both());
  }
  if (starts_[host]++ == 0) make_key(name_of(host), "worker");
  workers_[host] = on_host(
      host, "fanfold-worker",
      {"--master", address_, "--key", key(name_of(host)), "--scratch", disk_, "--slots", "1",
       "--memory", "64M", "--name", name_of(host) + "-" + std::to_string(starts_[host]),
       "--log-file", workspace_.path(name_of(host) + ".log")});
}

void HostedCluster::add_worker(int host, std::uint64_t disk_bytes) {
  start_worker(host, disk_bytes);
  const bool known = e2e::eventually([&] { return workers_[host]->ended() || knows(host); });
  if (!known || workers_[host]->ended()) {
    throw std::runtime_error("no worker: " + workers_[host]->err_so_far() + logs());
  }
}

void HostedCluster::kill_host(int host) {
  network_.remove_host(host);
  workers_.erase(host);
}

e2e::Outcome HostedCluster::run(std::vector<std::string> words) {
  return start(std::move(words))->wait();
}

std::unique_ptr<e2e::Running> HostedCluster::start(std::vector<std::string> words) {
  words.insert(words.end(), {"--master", address_, "--key", key("alice")});
  return on_host(1, "fanfold", std::move(words));
}

std::vector<std::string> HostedCluster::workers() {
  const e2e::Outcome status = run({"cluster", "status", "--json"});
  const Json json = Json::parse(status.out, nullptr, false);
  std::vector<std::string> names;
  if (!json.is_object()) return names;
  for (const Json& worker : json["workers"]) names.push_back(worker["name"]);
  return names;
}

bool HostedCluster::knows(int host) {
  const std::string name = name_of(host) + "-" + std::to_string(starts_[host]);
  const std::vector<std::string> all = workers();
  return std::find(all.begin(), all.end(), name) != all.end();
}

std::string HostedCluster::log_of(const std::string& name) const {
  return workspace_.exists(name) ? workspace_.read(name) : "";
}

std::string HostedCluster::worker_log(int host) const { return log_of(name_of(host) + ".log"); }

std::string HostedCluster::logs() const {
  std::string text = "\nmaster:\n" + master_log();
  for (const auto& [host, starts] : starts_) text += name_of(host) + ":\n" + worker_log(host);
  return text;
}

}  // namespace fanfold::hosts
