// Commands for one cluster of hosts that a real sshd makes of this one.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/ssh_hosts.hpp"

namespace fanfold::e2e {

/// And waits until nobody takes it for alive.
inline void kill_and_wait(pid_t process) {
  ASSERT_GT(process, 0);
  ::kill(process, SIGKILL);
  ASSERT_TRUE(eventually([&] { return command_line_of(process).empty(); }));
}

inline std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Commands for one cluster of hosts.
class HostCluster : public testing::Test {
 protected:
  ~HostCluster() override {
    if (workspace_.exists("c")) down();
    hosts_.reset();
    EXPECT_THAT(workspace_.leftovers(), testing::IsEmpty());
  }

  std::string line(int number) const {
    const std::string name = "h" + std::to_string(number);
    return name + " slots=1 memory=64M scratch=" + workspace_.path("scratch-" + name) + "\n";
  }
  Outcome up(const std::string& hosts, std::vector<std::string> more = {}) {
    const std::vector<std::string> words = {"cluster",      "up",
                                            "--dir",        "c",
                                            "--address",    "127.0.0.1:0",
                                            "--hosts",      workspace_.write("hosts", hosts),
                                            "--ssh-config", hosts_->config()};
    more.insert(more.begin(), words.begin(), words.end());
    return run(workspace_, more, here());
  }
  Outcome down() { return run(workspace_, {"cluster", "down", "--dir", "c"}, here()); }

  CommandOptions here() const {
    CommandOptions options;
    options.environment = {{"HOME", workspace_.path("home-here")}};
    return options;
  }
  /// As the line says that `cluster up` prints.
  CommandOptions as_told() const {
    CommandOptions options = here();
    const nlohmann::json master = nlohmann::json::parse(workspace_.read("c/master.json"));
    options.environment.emplace_back("FANFOLD_MASTER", master["address"].get<std::string>());
    options.environment.emplace_back("FANFOLD_KEY", workspace_.path("c/keys/owner.key"));
    return options;
  }
  Outcome ask(std::vector<std::string> words) const {
    return run(workspace_, std::move(words), as_told());
  }
  /// Process ids by name.
  std::map<std::string, pid_t> workers() const {
    const Outcome status = ask({"cluster", "status", "--json"});
    const nlohmann::json json = nlohmann::json::parse(status.out, nullptr, false);
    EXPECT_TRUE(json.is_object()) << status.both();
    std::map<std::string, pid_t> found;
    if (!json.is_object()) return found;
    for (const nlohmann::json& worker : json["workers"]) found[worker["name"]] = worker["process"];
    return found;
  }
  std::vector<std::string> worker_names() const {
    std::vector<std::string> names;
    for (const auto& [name, process] : workers()) names.push_back(name);
    return names;
  }
  /// 0: it is not there.
  pid_t process_of(const std::string& worker) const { return workers()[worker]; }
  void signal_worker(const std::string& worker, int number) const {
    const pid_t process = process_of(worker);
    ASSERT_GT(process, 0);
    ::kill(process, number);
  }
  /// The directory of that host's worker: there is one cluster.
  std::string place(int number) const {
    const std::string above = hosts_->home(number) + "/.fanfold";
    for (const auto& cluster : std::filesystem::directory_iterator(above)) {
      return cluster.path().string() + "/h" + std::to_string(number);
    }
    return above;
  }

  std::string key_of(int number) const {
    std::ifstream file(place(number) + "/key");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const Workspace workspace_;
  std::unique_ptr<SshHosts> hosts_ = std::make_unique<SshHosts>(workspace_, 3);
};

}  // namespace fanfold::e2e
