// The body around the agent: feeds it what arrives and what ended, and does what it says.  Knows
// the world through doors alone, so that a simulation runs it on other sides than
// worker_service.cpp does.  Decides nothing itself about attempts: that is worker/agent's.  One
// thread.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
#include "common/log/log.hpp"
#include "common/net/transport.hpp"
#include "common/proto/versions.hpp"
#include "common/security/peer_list.hpp"
#include "worker/agent/agent.hpp"
#include "worker/service/brought_files.hpp"
#include "worker/service/executors.hpp"
#include "worker/service/host_lister.hpp"
#include "worker/service/inputs.hpp"
#include "worker/service/record_isolation.hpp"
#include "worker/service/scratch.hpp"
#include "worker/service/worker_measures.hpp"

namespace fanfold::worker {

/// What the body borrows; all of it outlives the body.
struct WorkerDoors {
  Clock& clock;
  io::FileSystem& files;
  Scratch& scratch;
  Executors& executors;
  Fetcher& fetcher;
  Log& log;
  /// A new connection to the master.
  std::function<Result<std::unique_ptr<net::Transport>>()> connect;
  /// Whom the data server lets in; null: whoever reaches its socket.
  security::PeerList* peers = nullptr;
  WorkerMeasures* measures = nullptr;  // Null: nobody looks on.
  /// What the host has and what is free, for each heartbeat; null: nobody knows.
  std::function<proto::HostRoom()> room = {};
  HostLister* lister = nullptr;  // Null: nothing is read here by the name of the host.
};

struct BodyOptions {
  proto::Hello hello;
  std::vector<std::string> died;   // Workers that this one found dead.
  std::string master;              // For the log.
  std::uint64_t memory_bytes = 0;  // Of an executor, when the job does not say.
  std::uint32_t threads = 1;       // That a task may use at once.
  inputs::HostInputs host_inputs;
};

class WorkerBody {
 public:
  WorkerBody(BodyOptions options, const WorkerDoors& doors,
             std::unique_ptr<net::Transport> transport);

  /// Says Hello.  Once, before the first turn().
  void begin();
  /// Waits for something to happen and deals with it.  An error: nothing more can be done.
  Status turn();
  void drain();
  /// Why no turn should follow; nullopt: go on.
  const std::optional<Status>& end() const { return end_; }
  /// Another worker should take its place: the master is of another state than this one's.
  bool begins_anew() const { return begins_anew_; }

  /// The connection to the master; another one after a while of silence.
  net::Transport& transport() { return *transport_; }
  std::uint32_t connections() const { return connections_; }
  /// A master has welcomed us at least once.
  bool welcomed() const { return welcomed_; }

 private:
  Duration patience() const;
  Status read_frames();
  void read_frame(const std::string& frame);
  /// What is no message to a worker.
  void note_earlier_master(std::uint64_t epoch);
  void note_refused(const std::string& frame, const Status& why);
  void answer(const proto::ReadOutput& question);
  void note_peers(const proto::PeerKeys& message);
  void list(proto::ListHostFiles&& question);
  void send_listed();
  void note_losses();
  void note_trouble();
  Status read_executors();
  void note_ended(AttemptEnded ended);
  void bring_files();
  void bring_early();
  void go_on(ExecutorTask task, const proto::FailureReport& failure);
  void note_missing(const InputsMissing& missing);
  void pass_time();
  /// Steps the agent and performs what it says; what that causes comes before the next turn.
  void feed(const Event& event);

  void send(std::string frame);
  bool may_hold_commits() const;
  void send_held_commits();

  void remove_traces(JobId job, AttemptId attempt);
  Status remove_parts(JobId job, AttemptId attempt);

  void perform(SendToMaster& action);
  void perform(FetchInputs& action);
  void perform(ReplaceInputs& action);
  void perform(BringEarly& action);
  void perform(DropEarly& action);
  void perform(StartAttempt& action);
  void perform(KillAttempt& action);
  void perform(DropAttemptFiles& action);
  void perform(DropJobFiles& action);
  void perform(Reconnect& action);
  void perform(Exit& action);
  void perform(BeginAnew& action);

  const BodyOptions options_;
  WorkerDoors doors_;
  std::unique_ptr<net::Transport> transport_;
  std::uint32_t connections_ = 1;
  Inputs inputs_;
  BroughtFiles files_;
  Agent agent_;
  RecordIsolation isolation_;
  std::map<JobId, std::string> staging_;  // Of jobs that had attempts here.
  std::vector<Action> actions_;
  std::vector<std::string> held_commits_;  // Frames that wait for company; never for long.
  Instant hold_until_;
  std::uint64_t frames_damaged_ = 0;  // On this connection to the master.
  std::uint64_t frames_dropped_ = 0;  // On this connection, too.
  std::string trouble_;               // With it, as last logged.
  std::string refusal_;               // Of a master, as last logged.
  std::uint64_t peers_ = 0;           // The version of the keys in doors_.peers.
  bool welcomed_ = false;
  proto::SpokenVersion spoken_;        // With the master.
  std::optional<proto::Hello> hello_;  // The last, until a welcome comes.
  WorkerId self_;                      // As the last welcome said.
  std::uint64_t epoch_ = 0;            // The same.
  std::uint64_t state_id_ = 0;         // The same.
  std::uint64_t epoch_refused_ = 0;    // Of a master that came after a later one, as last logged.
  std::optional<Status> end_;
  bool begins_anew_ = false;
};

}  // namespace fanfold::worker
