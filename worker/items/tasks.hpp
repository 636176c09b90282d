// Runs the tasks of an item's processor by their Resource.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/items/command.hpp"
#include "worker/items/job_child.hpp"
#include "worker/items/task.hpp"

namespace fanfold::worker {

/// The processes of plugins, kept from child to child.  Outlives those that use it.
using JobChildren = std::vector<std::unique_ptr<JobChild>>;
/// Those of this executor, from attempt to attempt: loading a plugin for a few children each time
/// would cost more than they do.
JobChildren& kept_jobs();

class ItemTasks {
 public:
  struct Options {
    StayAlive alive;
    std::string run;        // Names the run of the item job: a part of the keys of its children.
    std::string directory;  // Where programs run.
    JobChildren* jobs = nullptr;
  };
  explicit ItemTasks(Options options);
  /// From now on tasks are those of this child.  `input` is what it got, as JSON.
  void begin(std::uint64_t child, std::string_view input);
  TaskResult run(const TaskCall& call);

 private:
  JobChild& child_of(const Json& job);

  const std::string run_;
  CommandDoors doors_;
  JobChildren& children_;
};

/// Before a retry; the executor stays alive meanwhile.
void wait_for_retry(Duration delay, const StayAlive& alive);

}  // namespace fanfold::worker
