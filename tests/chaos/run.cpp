#include "tests/chaos/run.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "tests/chaos/output_watcher.hpp"

namespace fanfold::chaos {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Questions about a job that runs; faults come in between.
constexpr Duration kAskEvery = 50ms;
constexpr Duration kSubmitPatience = 30s;
/// The longest time without an answer that still belongs to a paused or restarted master.
constexpr Duration kFinalPatience = 20s;

class Run {
 public:
  Run(const e2e::Workspace& workspace, const Oracle& oracle, const RunOptions& options)
      : workspace_(workspace),
        oracle_(oracle),
        options_(options),
        cluster_(workspace, options.cluster, history_),
        nemesis_(cluster_, options.nemesis) {}

  RunOutcome run() {
    for (std::uint32_t number = 0; number < options_.jobs; ++number) {
      run_job(oracle_.jobs()[number % oracle_.jobs().size()], number);
    }
    nemesis_.relent();
    if (!cluster_.heal()) complain("not every worker came back");
    for (std::string& left : cluster_.stop()) complain("left behind: " + left);
    for (std::string& broken : history_.violations()) complain(broken);
    look_for_staging();
    for (std::size_t fault = 0; fault < kFaults; ++fault) {
      const auto kind = static_cast<Fault>(fault);
      if (nemesis_.count(kind) > 0) outcome_.faults[name_of(kind)] = nemesis_.count(kind);
    }
    if (outcome_.violations.empty()) fs::remove_all(workspace_.path("c"));
    return std::move(outcome_);
  }

 private:
  void complain(const std::string& what) { outcome_.violations.push_back(what); }

  void run_job(const std::string& name, std::uint32_t number) {
    proto::JobSpec spec = oracle_.spec(name);
    spec.output = workspace_.path("out-" + std::to_string(number));
    spec.client_id =
        "chaos-" + std::to_string(options_.nemesis.seed) + "-" + std::to_string(number);
    if (options_.shuffle_over_network) spec.shuffle = proto::ShufflePath::kNetwork;
    OutputWatcher watcher(spec.output);
    const std::optional<JobId> job = submit(spec);
    if (!job) return;
    const std::optional<proto::JobStatus> end = wait_for_end(*job);
    // The second time is later than the first by all that happened to the master meanwhile.
    const std::optional<JobId> again = submit(spec);
    if (again && *again != *job) complain("the same client id gave two jobs");
    for (std::string& seen : watcher.finish()) complain(seen);
    outcome_.reader_looks += watcher.looks();
    cluster_.client().note_output(*job, fs::exists(spec.output));
    judge(name, spec.output, end);
    fs::remove_all(spec.output);
  }

  void judge(const std::string& name, const std::string& output,
             const std::optional<proto::JobStatus>& end) {
    if (!end) return complain(name + " did not end");
    outcome_.lost_attempts += end->lost_attempts;
    outcome_.failed_attempts += end->failed_attempts;
    if (end->state != proto::JobState::kSucceeded) {
      return complain(name + " ended as " + proto::name_of(end->state) + ": " + end->reason + " " +
                      end->first_cause.message);
    }
    ++outcome_.jobs_succeeded;
    const std::string difference = oracle_.difference(name, output);
    if (!difference.empty()) complain(name + " gave other bytes: " + difference);
  }

  std::optional<JobId> submit(const proto::JobSpec& spec) {
    const Instant deadline = steady_clock().now() + kSubmitPatience;
    while (steady_clock().now() < deadline) {
      nemesis_.act(steady_clock().now());
      std::string refusal;
      const auto job = cluster_.client().submit(spec, 1s, &refusal);
      if (job) return job;
      if (!refusal.empty()) {
        complain("a job was refused: " + refusal);
        return std::nullopt;
      }
    }
    complain("a job was not answered");
    return std::nullopt;
  }

  std::optional<proto::JobStatus> wait_for_end(JobId job) {
    const Instant deadline = steady_clock().now() + options_.job_patience;
    for (Instant now = steady_clock().now(); now < deadline; now = steady_clock().now()) {
      nemesis_.act(now);
      const Instant next_question = now + kAskEvery;
      const auto status =
          cluster_.client().status(job, std::max(nemesis_.next() - now, Duration(kAskEvery)));
      if (status && proto::is_final(status->state)) return status;
      cluster_.client().rest(std::min(next_question, nemesis_.next()));
    }
    // Left alone it has to end, or be known not to have.
    nemesis_.relent();
    if (!cluster_.heal()) complain("not every worker came back");
    const auto status = cluster_.client().status(job, kFinalPatience);
    return status && proto::is_final(status->state) ? status : std::nullopt;
  }

  void look_for_staging() {
    for (const std::string& name : workspace_.list("")) {
      if (name.find(".fanfold-") != std::string::npos) complain("left behind: staging " + name);
    }
    for (const std::string& name : workspace_.list("tmp"))
      complain("left behind: temporary " + name);
  }

  const e2e::Workspace& workspace_;
  const Oracle& oracle_;
  const RunOptions options_;
  History history_;
  RunOutcome outcome_;
  ChaosCluster cluster_;
  Nemesis nemesis_;
};

}  // namespace

RunOutcome run_chaos(const e2e::Workspace& workspace, const Oracle& oracle,
                     const RunOptions& options) {
  return Run(workspace, oracle, options).run();
}

std::string describe(const RunOutcome& outcome) {
  std::string text = "jobs=" + std::to_string(outcome.jobs_succeeded) +
                     " lost_attempts=" + std::to_string(outcome.lost_attempts) +
                     " failed_attempts=" + std::to_string(outcome.failed_attempts) +
                     " looks=" + std::to_string(outcome.reader_looks);
  for (const auto& [fault, count] : outcome.faults)
    text += " " + fault + "=" + std::to_string(count);
  for (const std::string& violation : outcome.violations) text += "\n  " + violation;
  return text;
}

}  // namespace fanfold::chaos
