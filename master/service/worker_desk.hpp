// Receives what workers say and turns it into events for the scheduler, keeping by itself what the
// scheduler does not care about: routes, reports, failures, logs.

#pragma once

#include <map>
#include <string>

#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "master/service/host_desk.hpp"
#include "master/service/master_state.hpp"

namespace fanfold::master {

class WorkerDesk {
 public:
  WorkerDesk(MasterState& state, HostDesk& hosts) : state_(state), hosts_(hosts) {}

  void handle(const net::PeerId& peer, proto::Hello message);
  void handle(const net::PeerId& peer, proto::Heartbeat message);
  void handle(const net::PeerId& peer, proto::CommitRequest message);
  void handle(const net::PeerId& peer, proto::AttemptFailed message);
  void handle(const net::PeerId& peer, proto::Bye message);
  void handle(const net::PeerId& peer, const proto::WorkersDied& message);
  void handle(const net::PeerId& peer, proto::InputsWanted message);
  void handle(const net::PeerId& peer, proto::OutputPart message);
  void handle(const net::PeerId& peer, proto::HostFilesListed message);

  /// Whether the sender is that worker; if not, it is told to introduce itself again.
  bool knows(WorkerId worker, const net::PeerId& peer) { return known(worker, peer) != nullptr; }

  /// All of them hear who the others are.
  void tell_peers();
  /// Workers whose key is accepted no more: what they hold is as lost as on a host that died.
  void forget_revoked();
  /// Its routes and attempts are forgotten; `silent` says that it did not go by itself.
  void forget_worker(WorkerId worker, bool silent);

 private:
  /// Null, and the sender is told to introduce itself again, when the worker is not known.
  const KnownWorker* known(WorkerId worker, const net::PeerId& peer);
  /// False: it is not let in, and has been told so.
  bool may_join(const net::PeerId& peer, const proto::Hello& message);
  /// False: its host's name is that of another machine, whose files jobs may be reading.  A host
  /// that was started again waits until its old worker is lost; another is told so after that.
  bool has_host_to_itself(const net::PeerId& peer, const proto::Hello& hello);
  /// `worker`: none, when it has to begin anew.
  proto::Welcome welcome(WorkerId worker) const;
  /// Who the other workers are, where keys say so.
  void tell_peers(const net::PeerId& peer);
  void tell_what_is_over(const net::PeerId& peer, const WorkerJoined& joined);
  struct Written {
    std::string text;         // All of it or its end.
    std::uint64_t bytes = 0;  // All of it.
  };
  void note_end(const KnownWorker& worker, const HeldAttempt& held, const char* outcome,
                Written written, const proto::FailureReport& failure);

  MasterState& state_;
  HostDesk& hosts_;
  std::map<std::string, Instant> waiting_hosts_;  // By uuid: since when each is not welcomed.
  std::uint64_t older_refused_ = 0;  // Hellos of the version before, for what jobs need.
};

}  // namespace fanfold::master
