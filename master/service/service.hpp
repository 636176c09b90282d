// The body around the scheduler: collects what happened, lets the scheduler decide, makes the facts
// durable, and only then does what was decided.
//
// One thread owns everything here.  Files are read and written in side threads whose results come
// back as values.  The doors are the caller's: production in run.cpp, others in tests.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "master/service/blob_desk.hpp"
#include "master/service/board_keeper.hpp"
#include "master/service/client_desk.hpp"
#include "master/service/master_state.hpp"
#include "master/service/side_work.hpp"
#include "master/service/staging_keeper.hpp"
#include "master/service/worker_desk.hpp"
#include "master/store/store.hpp"
#include "master/web/questions.hpp"

namespace fanfold::master {

struct ServiceDoors {
  Clock& clock;
  io::FileSystem& files;
  net::Transport& transport;
  Store& store;
  Log& log;
  SideWorkFactory side_work = threaded_side_work;
  EventSink* events = nullptr;                    // Null: nobody wants to read of jobs later.
  web::Board* board = nullptr;                    // Null: nobody looks on.
  web::Questions* questions = nullptr;            // Of those who look on; null: they ask none.
  security::LiveKeys* keys = nullptr;             // Null: nobody is asked for one.
  const security::PluginList* plugins = nullptr;  // Null: any may run.
  Log* audit = nullptr;                           // Null: who does what is not written down.
  BlobStore* blobs = nullptr;                     // Null: no plugins and side files are kept.
};

enum class StopReason : std::uint8_t {
  kRequested,   // By a client or a signal: attempts get their time to die.
  kParentGone,  // Nobody waits for anything any more.
  kSuspended,   // A next master will go on with the same store: nothing is cancelled.
};

class MasterService {
 public:
  MasterService(ServiceSettings settings, const ServiceDoors& doors);

  /// Learns what earlier masters left in the store.  Call it once, before the first turn().  Jobs
  /// that have not ended go on: committed tasks stay committed, workers that come back keep what
  /// they run, a publication that was interrupted is brought to its end.
  Status recover(const StoredState& stored);

  /// Waits for something to happen, at most `wait`, and deals with it.  An error means that a fact
  /// could not be made durable, another master has taken over, or a door is broken: the master must
  /// end, nothing was promised.
  Status turn(Duration wait);

  /// Cancels what runs and lets the workers go.  stopped() tells when turn() need not be called
  /// any more.
  void stop(StopReason reason);
  bool stopped() const { return phase_ == Phase::kStopped; }

  /// Nothing of this service runs in other threads.
  bool idle() const {
    return planning_->idle() && publishing_->idle() && removing_->idle() && noting_->idle() &&
           storing_->idle();
  }

  /// For those who look on.
  const Scheduler& scheduler() const { return state_.scheduler; }

 private:
  enum class Phase : std::uint8_t { kServing, kStopping, kStopped };

  Status collect(Duration wait);
  void measure_turn();
  void handle_frame(net::Frame frame);
  /// As the sender's version of the protocol has it.
  Result<proto::MasterInput> decode(const net::Frame& frame);
  void note_damage();
  void note_keys();
  void note_rejected(std::string_view payload, const Status& why);
  void note_withheld();
  void reject_frame(const net::PeerId& peer, std::string_view payload, const Status& why);
  void collect_side_results();
  void take_questions();
  Duration time_to_wait(Duration wait) const;

  Status decide();
  Status make_durable(std::vector<Fact> facts);
  void perform_all(std::vector<Action>* actions);
  /// What the store keeps beside the fact.  One for each kind of fact that the service cares about.
  std::string note(const Fact& fact);
  std::string note_of(const JobAccepted& fact);
  std::string note_of(const AttemptCommitted& fact);
  std::string note_of(const MapOutputInvalidated& fact);
  std::string note_of(const TaskFailureCounted& fact);
  std::string note_of(const JobCommitStarted& fact);
  std::string note_of(const JobEnded& fact);
  std::string note_of(const WorkerRegistered& fact);
  std::string note_of(const WorkerGone& fact);
  std::string note_of(const NonDeterminismFound& fact);
  std::string note_of(const TaskGivenUp& fact);
  std::string note_of(const CoverageDecided& fact);
  std::string note_of(const JobControlled& fact);
  std::string note_of(const DissentFound& fact);
  std::string note_of(const InputFed& fact);
  std::string note_of(const PartitionsWeighed& fact);

  /// The reverse, when a master is started.
  struct Recovery;

  void perform(AssignAttempt&& action);
  void perform(ListOutputs&& action);
  void perform(TellOutputs&& action);
  void perform(TellHomes&& action);
  void perform(AdoptAttempt&& action);
  void perform(CancelAttempt&& action);
  void perform(AnswerCommit&& action);
  void perform(NoteFailure&& action);
  void perform(PublishJob&& action);
  void perform(FinishJob&& action);
  void perform(ForgetWorker&& action);
  template <class Message>
  void tell_worker(WorkerId worker, const Message& message);
  void tell_listing(WorkerId worker, const Listing& listing);

  void tell_followers();
  void remove_stagings(std::vector<StagingKeeper::Removable> stagings);
  void write_capsules();
  Status send_outbox();
  Status end_exhausted();
  bool nothing_left() const;
  void suspend();
  Status advance_stop();
  Status finish_stop();

  ServiceDoors doors_;
  MasterState state_;
  HostDesk host_desk_;
  WorkerDesk worker_desk_;
  StagingKeeper stagings_;
  BoardKeeper board_keeper_;
  std::vector<Event> events_for_next_turn_;
  std::map<JobId, proto::JobStatus> ended_;  // Recorded, not yet performed.

  Phase phase_ = Phase::kServing;
  Instant stop_deadline_;
  std::vector<net::PeerId> stop_requesters_;
  std::size_t frames_in_turn_ = 0;
  std::size_t facts_in_turn_ = 0;
  std::uint64_t frames_rejected_ = 0;
  std::uint64_t frames_damaged_ = 0;
  std::uint64_t frames_withheld_ = 0;
  std::uint64_t versions_refused_ = 0;
  std::uint64_t frames_revoked_ = 0;
  std::uint64_t strangers_ = 0;
  std::uint64_t keys_generation_ = 0;

  // Last: their threads must be gone before anything they might refer to.
  std::unique_ptr<SideWork> planning_;
  std::unique_ptr<SideWork> publishing_;
  std::unique_ptr<SideWork> removing_;
  std::unique_ptr<SideWork> noting_;
  std::unique_ptr<SideWork> storing_;
  ClientDesk client_desk_;
  BlobDesk blob_desk_;
};

}  // namespace fanfold::master
