// A client of the cluster under test: speaks the protocol itself, so that it can submit twice under
// one client id and reach a master over TCP, and writes what it saw into the History.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/core/clock.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "tests/chaos/history.hpp"

namespace fanfold::chaos {

class JobClient {
 public:
  /// Borrows the history.  Throws std::runtime_error when the address is no good.
  JobClient(const std::string& address, History& history);

  /// Repeats until answered; nullopt after `patience`.  A refusal is told in `refusal`.
  std::optional<JobId> submit(const proto::JobSpec& spec, Duration patience, std::string* refusal);
  /// One question; nullopt when no answer came within `patience` or the job is not known.
  std::optional<proto::JobStatus> status(JobId job, Duration patience);
  /// Asks once; whether it arrived shows in the status.
  void cancel(JobId job);
  std::optional<proto::ClusterReply> cluster(Duration patience);
  /// Tells the master to stop; true when it answered.
  bool stop_cluster(Duration patience);
  void note_output(JobId job, bool there);
  /// Until `until`, reading and dropping whatever still comes.
  void rest(Instant until);

 private:
  std::unique_ptr<net::Transport> connect() const;
  void send(const proto::ClientMessage& message);
  /// The next reply of this type, or an Answer; nullopt when none came before `deadline`.
  template <class Reply>
  std::optional<proto::ClientReply> receive(net::Transport& transport, Instant deadline, JobId job);

  const std::string address_;
  std::unique_ptr<net::Transport> transport_;
  History& history_;
  Clock& clock_;
};

}  // namespace fanfold::chaos
