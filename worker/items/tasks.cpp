#include "worker/items/tasks.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "common/core/clock.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::worker {

JobChildren& kept_jobs() {
  static JobChildren jobs;
  return jobs;
}

ItemTasks::ItemTasks(Options options)
    : run_(std::move(options.run)),
      doors_{std::move(options.alive), {}, std::move(options.directory)},
      children_(*options.jobs) {
  // A program that does not read its input is no reason to die.
  ::signal(SIGPIPE, SIG_IGN);
  adopt_orphans();
}

void ItemTasks::begin(std::uint64_t child, std::string_view input) {
  // Not the number alone: a run that goes on after its items have changed keeps its name.
  char digest[17];
  std::snprintf(digest, sizeof digest, "%016llx", static_cast<unsigned long long>(hash(input)));
  doors_.key = run_ + "-" + std::to_string(child) + "-" + digest;
}

JobChild& ItemTasks::child_of(const Json& job) {
  ServedJob served;
  served.plugin = job.at("Plugin").get<std::string>();
  served.sha256 = job.at("Sha256").get<std::string>();
  served.name = job.at("Name").get<std::string>();
  for (const auto& [name, value] : job.at("Parameters").items()) {
    served.parameters.emplace(name, value.get<std::string>());
  }
  for (const auto& child : children_) {
    if (child->job() == served) return *child;
  }
  return *children_.emplace_back(std::make_unique<JobChild>(std::move(served)));
}

TaskResult ItemTasks::run(const TaskCall& call) {
  const auto job = call.state.find("Job");
  if (job != call.state.end()) return child_of(*job).run(call, doors_.alive);
  TaskResult result = run_command(call, doors_);
  end_orphans([this](pid_t process) {
    return std::any_of(children_.begin(), children_.end(),
                       [process](const auto& child) { return child->is(process); });
  });
  return result;
}

void wait_for_retry(Duration delay, const StayAlive& alive) {
  const Instant end = steady_clock().now() + delay;
  for (;;) {
    const Duration left = end - steady_clock().now();
    if (left.count() <= 0) return;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1;
    ::poll(nullptr, 0, static_cast<int>(std::min<std::int64_t>(ms, 1000)));
    alive();
  }
}

}  // namespace fanfold::worker
