// Numbers of clusters on several hosts that are namespaces of this one; prints them as JSON.
//   hosts_bench [MEBIBYTES [TIMES]]: input of the counted words, and how often each is measured.
//   bench/fanfold-bench hosts runs it.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/hosts/hosted_cluster.hpp"

namespace fanfold::hosts {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void need(bool held, const std::string& what) {
  if (!held) throw std::runtime_error(what);
}

Json status_of(HostedCluster& cluster) {
  return Json::parse(cluster.run({"cluster", "status", "--json"}).out);
}

std::uint32_t busy(HostedCluster& cluster) {
  std::uint32_t count = 0;
  const Json status = status_of(cluster);
  for (const Json& worker : status["workers"]) count += worker["busy"].get<std::uint32_t>();
  return count;
}

/// So many tasks that wait for the file "go".
std::unique_ptr<e2e::Running> start_waiting(const e2e::Workspace& workspace, HostedCluster& cluster,
                                            int tasks) {
  const std::string record = "wait for " + workspace.path("go") + "\n";
  std::string text;
  for (int i = 0; i < tasks; ++i) text += record;
  workspace.write("waiting.txt", text);
  return cluster.start({"run", e2e::faulty_plugin("faulty"), "waiting.txt", "-o", "waited",
                        "--split-bytes", std::to_string(record.size()), "--quiet"});
}

/// From the start of a worker's process on a new host until a task runs there.
double time_to_join() {
  const e2e::Workspace workspace;
  HostedCluster cluster(workspace);
  cluster.add_worker(1);
  const auto job = start_waiting(workspace, cluster, 4);
  need(e2e::eventually([&] { return busy(cluster) == 1; }), "the job does not run");
  const Clock::time_point start = Clock::now();
  cluster.start_worker(2);
  need(e2e::eventually([&] { return busy(cluster) == 2; }), "the worker does not come");
  const double seconds = seconds_since(start);
  workspace.write("go", "");
  need(job->wait().exit_code == 0, "the job failed");
  return seconds;
}

struct Recovery {
  double missed = 0;  // From the death of a host, in seconds.
  double again = 0;   // The same until what ran there runs again.
};

Recovery time_to_recover() {
  const e2e::Workspace workspace;
  HostedCluster cluster(workspace, HostedCluster::Timing::kUsual);
  for (const int host : {1, 2, 3}) cluster.add_worker(host);
  const auto job = start_waiting(workspace, cluster, 3);
  need(e2e::eventually([&] { return busy(cluster) == 3; }), "the job does not run");
  cluster.add_worker(4);
  const Clock::time_point death = Clock::now();
  cluster.kill_host(3);
  Recovery recovery;
  const auto lost = [&] { return cluster.master_log().find("worker.lost") != std::string::npos; };
  need(e2e::eventually(lost), "nobody misses the host");
  recovery.missed = seconds_since(death);
  need(e2e::eventually([&] { return busy(cluster) == 3; }), "its task does not run again");
  recovery.again = seconds_since(death);
  workspace.write("go", "");
  need(job->wait().exit_code == 0, "the job failed");
  return recovery;
}

/// Seconds of each run, by the number of hosts.
Json count_words(std::size_t mebibytes, int times) {
  const e2e::Workspace workspace;
  std::string text = e2e::make_text(3, 100'000);
  const std::string part = text;
  while (text.size() < mebibytes << 20) text += part;
  workspace.write("in.txt", text);
  HostedCluster cluster(workspace);
  Json seconds;
  std::string first;
  int hosts = 0;
  for (const int wanted : {1, 2, 4}) {
    while (hosts < wanted) cluster.add_worker(++hosts);
    std::vector<double> runs;
    // The first warms up.
    for (int i = 0; i <= times; ++i) {
      const Clock::time_point start = Clock::now();
      const e2e::Outcome outcome =
          cluster.run({"run", "word_count", "in.txt", "-o", "out", "--on-exists", "replace",
                       "--quiet", "--split-bytes", "4M", "--reducers", "4"});
      need(outcome.exit_code == 0, outcome.both());
      if (i > 0) runs.push_back(seconds_since(start));
    }
    if (first.empty()) first = workspace.fingerprint("out");
    need(first == workspace.fingerprint("out"), "the outputs differ");
    seconds[std::to_string(wanted)] = runs;
  }
  return seconds;
}

int run(std::size_t mebibytes, int times) {
  try {
    Json result;
    for (int i = 0; i < times; ++i) {
      result["to add a worker to a running job"].push_back(time_to_join());
      const Recovery recovery = time_to_recover();
      result["until a dead host is missed"].push_back(recovery.missed);
      result["until what ran there runs again"].push_back(recovery.again);
    }
    result["words"] = count_words(mebibytes, times);
    std::puts(result.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hosts_bench: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace fanfold::hosts

int main(int argc, char** argv) {
  const auto number = [&](int place, int otherwise) {
    const int given = argc > place ? std::atoi(argv[place]) : 0;
    return given > 0 ? given : otherwise;
  };
  return fanfold::hosts::run(static_cast<std::size_t>(number(1, 64)), number(2, 5));
}
