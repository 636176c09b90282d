// The worker: feeds the agent with what happens and does what it says.  One thread, one wait.
// Decides nothing itself about attempts: that is worker/agent's.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
#include "common/log/log.hpp"
#include "common/net/transport.hpp"
#include "worker/agent/agent.hpp"
#include "worker/isolation/executor_pool.hpp"
#include "worker/service/inputs.hpp"
#include "worker/service/options.hpp"
#include "worker/service/scratch.hpp"
#include "worker/service/stack_finder.hpp"
#include "worker/service/stop_signals.hpp"

namespace fanfold::worker {

/// What the service borrows; all of it outlives the service.
struct WorkerSurroundings {
  Zygote& zygote;
  Scratch& scratch;
  StopSignals& signals;
  io::FileSystem& files;
  Clock& clock;
  Log& log;
};

class WorkerService {
 public:
  static Result<std::unique_ptr<WorkerService>> make(const WorkerOptions& options,
                                                     const WorkerSurroundings& surroundings);
  ~WorkerService();

  /// Until the master lets us go, the operator insists, or nothing more can be done; then why.
  Status run();

 private:
  WorkerService(const WorkerOptions& options, const WorkerSurroundings& surroundings,
                std::unique_ptr<net::Transport> transport, std::unique_ptr<StackFinder> stacks,
                std::unique_ptr<Inputs> inputs, proto::Hello hello);

  Status turn();
  Duration patience() const;
  Status read_frames();
  void read_frame(const std::string& frame);
  void read_signals();
  void read_lifetime();
  Status read_executors();
  void watch_descriptors();
  void feed_progress();
  /// Steps the agent and performs what it says; what that causes comes before the next turn.
  void feed(const Event& event);

  void perform(SendToMaster& action);
  void perform(FetchInputs& action);
  void perform(StartAttempt& action);
  void perform(KillAttempt& action);
  void perform(DropAttemptFiles& action);
  void perform(DropJobFiles& action);
  void perform(Reconnect& action);
  void perform(Exit& action);
  void note_ended(AttemptResult result);
  void announce_ready();

  const WorkerOptions options_;
  WorkerSurroundings with_;
  std::unique_ptr<net::Transport> transport_;
  std::unique_ptr<StackFinder> stacks_;
  std::unique_ptr<Inputs> inputs_;
  ExecutorPool pool_;
  Agent agent_;
  std::map<JobId, std::string> staging_;  // Of jobs that had attempts here.
  std::vector<Action> actions_;
  bool ready_announced_ = false;
  bool stopping_ = false;
  bool watched_ = false;
  std::optional<Status> end_;  // Why run() returns.
};

}  // namespace fanfold::worker
