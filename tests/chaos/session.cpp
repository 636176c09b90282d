#include "tests/chaos/session.hpp"

#include <algorithm>
#include <filesystem>

#include "tests/chaos/output_watcher.hpp"

namespace fanfold::chaos {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// Questions about a job that runs; faults come in between.
constexpr Duration kAskEvery = 50ms;
/// Longer than a paused master behind a link that swallows.
constexpr Duration kSubmitPatience = 90s;
/// Left alone, a job ends within this time, on a machine that has other work too.
constexpr Duration kFinalPatience = 60s;

}  // namespace

Session::Session(const e2e::Workspace& workspace, const Oracle& oracle,
                 const SessionOptions& options)
    : workspace_(workspace),
      oracle_(oracle),
      options_(options),
      cluster_(workspace, options.cluster, history_),
      nemesis_(cluster_, options.nemesis) {}

proto::JobSpec Session::next_spec(const std::string& name) {
  proto::JobSpec spec = oracle_.spec(name);
  // A job that did not end in its session may still end in the next one's time.
  const std::string number = std::to_string(options_.nemesis.seed) + "-" + std::to_string(++jobs_);
  spec.output = workspace_.path("out-" + number);
  spec.client_id = "chaos-" + number;
  return spec;
}

void Session::run_job(const std::string& name, proto::ShufflePath shuffle) {
  proto::JobSpec spec = next_spec(name);
  spec.shuffle = shuffle;
  OutputWatcher watcher(spec.output);
  const std::optional<JobId> job = submit(spec);
  if (!job) return;
  const std::optional<proto::JobStatus> end = wait_for_end(*job);
  // The second time is later than the first by all that happened to the master meanwhile.
  static_cast<void>(submit(spec));
  for (const std::string& seen : watcher.finish()) complain(seen);
  outcome_.reader_looks += watcher.looks();
  cluster_.client().note_output(*job, fs::exists(spec.output));
  judge(name, spec.output, end);
  if (end && end->state != proto::JobState::kSucceeded) {
    complain(name + " ended as " + proto::name_of(end->state) + ": " + end->reason + " " +
             end->first_cause.message);
  }
  fs::remove_all(spec.output);
}

void Session::cancel_job(const std::string& name, Duration wait) {
  const proto::JobSpec spec = next_spec(name);
  OutputWatcher watcher(spec.output);
  const std::optional<JobId> job = submit(spec);
  if (!job) return;
  if (!ended_before(*job, steady_clock().now() + wait)) cluster_.client().cancel(*job);
  const std::optional<proto::JobStatus> end = wait_for_end(*job);
  for (const std::string& seen : watcher.finish()) complain(seen);
  cluster_.client().note_output(*job, fs::exists(spec.output));
  if (end && end->state == proto::JobState::kCancelled) {
    ++outcome_.jobs_cancelled;
  } else {
    judge(name, spec.output, end);
  }
  fs::remove_all(spec.output);
}

void Session::judge(const std::string& name, const std::string& output,
                    const std::optional<proto::JobStatus>& end) {
  if (!end) return complain(name + " did not end");
  outcome_.lost_attempts += end->lost_attempts;
  outcome_.failed_attempts += end->failed_attempts;
  if (end->state != proto::JobState::kSucceeded) return;
  ++outcome_.jobs_succeeded;
  const std::string difference = oracle_.difference(name, output);
  if (!difference.empty()) complain(name + " gave other bytes: " + difference);
}

std::optional<JobId> Session::submit(const proto::JobSpec& spec) {
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

bool Session::ended_before(JobId job, Instant until) {
  for (Instant now = steady_clock().now(); now < until; now = steady_clock().now()) {
    nemesis_.act(now);
    const auto status =
        cluster_.client().status(job, std::clamp(nemesis_.next() - now, kAskEvery, Duration(1s)));
    if (status && proto::is_final(status->state)) return true;
    cluster_.client().rest(std::min({until, now + kAskEvery, nemesis_.next()}));
  }
  return false;
}

std::optional<proto::JobStatus> Session::wait_for_end(JobId job) {
  if (!ended_before(job, steady_clock().now() + options_.job_patience)) calm();
  // Left alone it has to end, or be known not to have.
  for (const Instant deadline = steady_clock().now() + kFinalPatience;
       steady_clock().now() < deadline;) {
    const auto status = cluster_.client().status(job, 1s);
    if (status && proto::is_final(status->state)) return status;
  }
  return std::nullopt;
}

void Session::calm() {
  nemesis_.relent();
  if (!cluster_.heal()) complain("not every worker came back");
}

SessionOutcome Session::finish() {
  calm();
  for (const std::string& left : cluster_.stop()) complain("left behind: " + left);
  for (const std::string& broken : history_.violations()) complain(broken);
  look_for_remains();
  for (std::size_t fault = 0; fault < kFaults; ++fault) {
    const auto kind = static_cast<Fault>(fault);
    if (nemesis_.count(kind) > 0) outcome_.faults[name_of(kind)] = nemesis_.count(kind);
  }
  // Logs and state are for those who look for the reason of a violation.
  if (outcome_.violations.empty()) fs::remove_all(workspace_.path("c"));
  return outcome_;
}

void Session::look_for_remains() {
  for (const std::string& name : workspace_.list("")) {
    if (name.find(".fanfold-") != std::string::npos) complain("left behind: staging " + name);
  }
  for (const std::string& name : workspace_.list("tmp")) {
    complain("left behind: temporary " + name);
  }
}

std::string describe(const SessionOutcome& outcome) {
  std::string text = "jobs=" + std::to_string(outcome.jobs_succeeded) +
                     " cancelled=" + std::to_string(outcome.jobs_cancelled) +
                     " lost_attempts=" + std::to_string(outcome.lost_attempts) +
                     " failed_attempts=" + std::to_string(outcome.failed_attempts) +
                     " looks=" + std::to_string(outcome.reader_looks);
  for (const auto& [fault, count] : outcome.faults) {
    text += " " + fault + "=" + std::to_string(count);
  }
  for (const std::string& violation : outcome.violations) text += "\n  " + violation;
  return text;
}

}  // namespace fanfold::chaos
