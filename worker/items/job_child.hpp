// "fanfold:job": the process that runs a plugin's job on the children of an item job, as the one
// who asks sees it.  It is started for the first child and again after each that ends it.

#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "common/core/unique_fd.hpp"
#include "worker/items/child_process.hpp"
#include "worker/items/job_server.hpp"
#include "worker/items/task.hpp"

namespace fanfold::worker {

class JobChild {
 public:
  explicit JobChild(ServedJob job);
  ~JobChild();
  JobChild(const JobChild&) = delete;
  JobChild& operator=(const JobChild&) = delete;

  const ServedJob& job() const { return job_; }
  bool is(pid_t process) const { return process_.is(process); }

  /// `call.input` is the record; or has File, or Record.
  TaskResult run(const TaskCall& call, const StayAlive& alive);

 private:
  class Answering;
  Status start();

  const ServedJob job_;
  ChildProcess process_;
  UniqueFd socket_;
  abi::ProgressSlot* progress_ = nullptr;  // In memory shared with the process.
};

}  // namespace fanfold::worker
