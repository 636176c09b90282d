#include "tests/e2e/keyed_cluster.hpp"

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace fanfold::e2e {
namespace {

std::string program(const std::string& name) {
  return (std::filesystem::path(FANFOLD_BIN).parent_path() / name).string();
}

std::string log_of(const Workspace& workspace, const std::string& name) {
  return workspace.exists(name) ? workspace.read(name) : "";
}

/// What follows `before` up to a space.
std::string word_after(const std::string& text, const std::string& before) {
  const std::size_t begin = text.find(before);
  if (begin == std::string::npos) return {};
  const std::size_t from = begin + before.size();
  return text.substr(from, text.find(' ', from) - from);
}

}  // namespace

KeyedCluster::KeyedCluster(const Workspace& workspace, const std::vector<std::string>& more)
    : workspace_(workspace), keys_(workspace.path("keys")), more_(more) {
  keys({"init"});
  keys({"add", "alice", "--role", "client"});
  keys({"add", "root", "--role", "admin"});
  start_master("tcp://127.0.0.1:0");
}

void KeyedCluster::restart_master() {
  master_->signal(SIGTERM);
  master_->wait();
  std::filesystem::rename(workspace_.path("master.log"), workspace_.path("master-before.log"));
  start_master(std::exchange(address_, ""));
}

void KeyedCluster::start_master(const std::string& listen) {
  CommandOptions options;
  options.program = program("fanfold-master");
  std::vector<std::string> words = {"--listen",
                                    listen,
                                    "--keys",
                                    keys_,
                                    "--state",
                                    workspace_.path("state"),
                                    "--log-file",
                                    workspace_.path("master.log"),
                                    "--worker-silence-ms",
                                    "30000"};
  words.insert(words.end(), more_.begin(), more_.end());
  master_ = std::make_unique<Running>(workspace_, std::move(words), options);
  const bool up = eventually([&] {
    address_ = word_after(master_log(), "master.started address=");
    return !address_.empty() || master_->ended();
  });
  if (!up || address_.empty()) throw std::runtime_error("the master: " + master_->err_so_far());
}

KeyedCluster::~KeyedCluster() {
  // A worker takes its scratch files with it.
  for (const auto& worker : workers_) {
    worker->signal(SIGTERM);
    // The second insists; two of one number could arrive as one.
    worker->signal(SIGINT);
  }
  for (const auto& worker : workers_) worker->wait();
  master_->signal(SIGTERM);
  master_->wait();
}

void KeyedCluster::add_worker(const std::string& address, const std::vector<std::string>& more) {
  const std::string name = "w" + std::to_string(workers_.size() + 1);
  keys({"add", name, "--role", "worker"});
  CommandOptions options;
  options.program = program("fanfold-worker");
  std::vector<std::string> words = {"--master",   address.empty() ? address_ : address,
                                    "--key",      key_file(name),
                                    "--scratch",  workspace_.path("scratch-" + name),
                                    "--slots",    "1",
                                    "--memory",   "64M",
                                    "--name",     name,
                                    "--log-file", workspace_.path(name + ".log")};
  words.insert(words.end(), more.begin(), more.end());
  workers_.push_back(std::make_unique<Running>(workspace_, std::move(words), options));
  const bool up = eventually([&] {
    return worker_log(workers_.size()).find("master.welcomed_us") != std::string::npos ||
           workers_.back()->ended();
  });
  if (!up || workers_.back()->ended()) {
    throw std::runtime_error("worker " + name + ": " + workers_.back()->err_so_far());
  }
}

int KeyedCluster::port() const { return std::stoi(address_.substr(address_.rfind(':') + 1)); }

std::string KeyedCluster::master_log() const { return log_of(workspace_, "master.log"); }
std::string KeyedCluster::audit_log() const { return log_of(workspace_, "state/audit.log"); }
std::string KeyedCluster::worker_log(std::size_t number) const {
  return log_of(workspace_, "w" + std::to_string(number) + ".log");
}

Outcome KeyedCluster::keys(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "keys");
  arguments.insert(arguments.end(), {"--dir", keys_});
  Outcome outcome = e2e::run(workspace_, arguments);
  if (outcome.exit_code != 0) throw std::runtime_error(outcome.both());
  return outcome;
}

CommandOptions KeyedCluster::as(const std::string& name) const {
  CommandOptions options;
  options.environment = {{"FANFOLD_MASTER", address_}, {"FANFOLD_KEY", key_file(name)}};
  return options;
}

Outcome KeyedCluster::run_as(const std::string& name, std::vector<std::string> arguments) const {
  return e2e::run(workspace_, std::move(arguments), as(name));
}

std::size_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace fanfold::e2e
