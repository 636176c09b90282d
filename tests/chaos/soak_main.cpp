// fanfold-soak: chaos runs by the hundred, or one cluster under faults for many minutes.
// scripts/soak builds and starts it.

#include <boost/program_options.hpp>
#include <cstdio>
#include <iostream>
#include <map>
#include <string>

#include "tests/chaos/holdings.hpp"
#include "tests/chaos/session.hpp"

namespace fanfold::chaos {
namespace {

namespace po = boost::program_options;
using namespace std::chrono_literals;

/// Workers of a soak that are never killed.
constexpr std::size_t kSpared = 2;
/// Every so many jobs of a soak one is cancelled.
constexpr std::uint64_t kCancelEvery = 7;

struct Wanted {
  std::uint64_t seed = 1;
  std::uint64_t runs = 0;
  double minutes = 0;
  OracleOptions oracle;
  SessionOptions session;
  std::map<std::string, std::uint64_t> until;  // Faults to inflict in all.
};

po::options_description describe_options() {
  po::options_description options("fanfold-soak: hurts a cluster in every way while it works");
  auto add = options.add_options();
  add("help", "this text");
  add("runs", po::value<std::uint64_t>()->default_value(10), "clusters, one after the other");
  add("minutes", po::value<double>(),
      "one cluster for so long in place of runs; memory, descriptors, threads and files must not "
      "grow");
  add("until", po::value<std::vector<std::string>>(),
      "FAULT=N: go on with runs until that fault was inflicted so often; may be repeated");
  add("seed", po::value<std::uint64_t>()->default_value(1),
      "of the first run; the next has one more");
  add("faults", po::value<std::string>(), "names with commas between; default: all");
  add("workers", po::value<std::uint32_t>()->default_value(8), "worker processes");
  add("input-mib", po::value<std::uint64_t>()->default_value(64), "input of each job");
  add("gap-ms", po::value<std::int64_t>()->default_value(500), "longest time between two faults");
  add("pause-ms", po::value<std::int64_t>()->default_value(20'000), "longest pause");
  add("tcp", "tcp://127.0.0.1 in place of ipc sockets");
  add("relays", "TCP through relays that are slow, corrupt, swallow and reset");
  add("scratch-mib", po::value<std::uint64_t>()->default_value(0),
      "scratch files on a disk in memory of this size, which is filled up now and then (needs the "
      "right to mount: unshare --mount)");
  return options;
}

/// Whether this cluster has what the fault is done to.
bool applies(Fault fault, const ClusterOptions& cluster) {
  if (fault == Fault::kFillDisk) return cluster.scratch_bytes > 0;
  if (fault == Fault::kCutSockets) return cluster.tcp || cluster.relays;
  return fault < Fault::kSlowLink || cluster.relays;
}

std::vector<Fault> parse_faults(const std::string& text, const ClusterOptions& cluster) {
  std::vector<Fault> faults;
  for (std::size_t fault = 0; fault < kFaults; ++fault) {
    const std::string name = name_of(static_cast<Fault>(fault));
    if (!applies(static_cast<Fault>(fault), cluster)) continue;
    if (text.empty() || ("," + text + ",").find("," + name + ",") != std::string::npos) {
      faults.push_back(static_cast<Fault>(fault));
    }
  }
  if (faults.empty()) throw po::error("no fault is named by --faults " + text);
  return faults;
}

Wanted interpret(const po::variables_map& given) {
  Wanted wanted;
  wanted.seed = given["seed"].as<std::uint64_t>();
  wanted.runs = given["runs"].as<std::uint64_t>();
  if (given.count("minutes") != 0) wanted.minutes = given["minutes"].as<double>();
  if (given.count("until") != 0) {
    for (const std::string& text : given["until"].as<std::vector<std::string>>()) {
      const std::size_t equals = text.find('=');
      if (equals == std::string::npos) throw po::error("--until is not of the form FAULT=N");
      wanted.until[text.substr(0, equals)] = std::stoull(text.substr(equals + 1));
    }
  }
  wanted.oracle.seed = wanted.seed;
  wanted.oracle.input_bytes = given["input-mib"].as<std::uint64_t>() << 20;
  wanted.session.cluster.workers = given["workers"].as<std::uint32_t>();
  wanted.session.cluster.tcp = given.count("tcp") != 0;
  wanted.session.cluster.relays = given.count("relays") != 0;
  wanted.session.cluster.relay_seed = wanted.seed;
  wanted.session.cluster.scratch_bytes = given["scratch-mib"].as<std::uint64_t>() << 20;
  wanted.session.nemesis.seed = wanted.seed;
  wanted.session.nemesis.faults = parse_faults(
      given.count("faults") != 0 ? given["faults"].as<std::string>() : "", wanted.session.cluster);
  wanted.session.nemesis.gap_max = std::chrono::milliseconds(given["gap-ms"].as<std::int64_t>());
  wanted.session.nemesis.pause_max =
      std::chrono::milliseconds(given["pause-ms"].as<std::int64_t>());
  return wanted;
}

/// Exit code: 1 when anything was violated.
int run_many(const e2e::Workspace& workspace, const Oracle& oracle, Wanted wanted) {
  std::map<std::string, std::uint64_t> total;
  std::uint64_t failed = 0;
  std::uint64_t jobs = 0;
  const auto enough = [&](std::uint64_t runs) {
    if (wanted.until.empty()) return runs >= wanted.runs;
    for (const auto& [name, count] : wanted.until) {
      if (total[name] < count) return false;
    }
    return true;
  };
  std::uint64_t runs = 0;
  for (; !enough(runs); ++runs) {
    Session session(workspace, oracle, wanted.session);
    for (const std::string& job : oracle.jobs()) {
      session.run_job(job,
                      runs % 2 == 0 ? proto::ShufflePath::kAuto : proto::ShufflePath::kNetwork);
    }
    const SessionOutcome outcome = session.finish();
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(wanted.session.nemesis.seed),
                describe(outcome).c_str());
    std::fflush(stdout);
    for (const auto& [name, count] : outcome.faults) total[name] += count;
    jobs += outcome.jobs_succeeded;
    if (!outcome.violations.empty()) {
      ++failed;
      std::printf("  logs and state are kept in %s\n", session.cluster().keep_logs(runs).c_str());
    }
    ++wanted.session.nemesis.seed;
  }
  std::printf("%llu runs, %llu with violations, %llu jobs with the right bytes;",
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(failed),
              static_cast<unsigned long long>(jobs));
  for (const auto& [name, count] : total) {
    std::printf(" %s=%llu", name.c_str(), static_cast<unsigned long long>(count));
  }
  std::printf("\n");
  return failed == 0 ? 0 : 1;
}

int run_long(const e2e::Workspace& workspace, const Oracle& oracle, Wanted wanted) {
  wanted.session.nemesis.spared = kSpared;
  // What a master holds is looked at over its life, so it lives.
  std::erase(wanted.session.nemesis.faults, Fault::kKillMaster);
  Session session(workspace, oracle, wanted.session);
  HoldingsOverTime holdings;
  const Instant end =
      steady_clock().now() + Duration(static_cast<std::int64_t>(wanted.minutes * 60e9));
  for (std::uint64_t number = 1; steady_clock().now() < end; ++number) {
    const std::string& job = oracle.jobs()[number % oracle.jobs().size()];
    if (number % kCancelEvery == 0) {
      session.cancel_job(job, std::chrono::milliseconds(number * 97 % 1500));
    } else {
      session.run_job(job,
                      number % 4 < 2 ? proto::ShufflePath::kAuto : proto::ShufflePath::kNetwork);
    }
    session.calm();
    holdings.sample(session.cluster(), kSpared);
  }
  const SessionOutcome outcome = session.finish();
  std::printf("seed %llu: %s\n%s", static_cast<unsigned long long>(wanted.seed),
              describe(outcome).c_str(), holdings.table().c_str());
  for (const std::string& grown : holdings.grown()) std::printf("  %s\n", grown.c_str());
  return outcome.violations.empty() && holdings.grown().empty() ? 0 : 1;
}

int run(int argc, char** argv) {
  const po::options_description options = describe_options();
  po::variables_map given;
  Wanted wanted;
  try {
    po::store(po::command_line_parser(argc, argv).options(options).run(), given);
    if (given.count("help") != 0) {
      std::cout << options;
      return 0;
    }
    wanted = interpret(given);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fanfold-soak: %s\n", error.what());
    return 2;
  }
  try {
    const e2e::Workspace workspace;
    const Oracle oracle(workspace, wanted.oracle);
    return wanted.minutes > 0 ? run_long(workspace, oracle, wanted)
                              : run_many(workspace, oracle, wanted);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fanfold-soak: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace fanfold::chaos

int main(int argc, char** argv) { return fanfold::chaos::run(argc, argv); }
