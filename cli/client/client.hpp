// One client's conversation with a master: requests, answers, and following a job to its end.
//
// Requests are repeated until answered (they are idempotent), because frames may be lost.  Silence
// of the master for limits::kConnectTimeout ends a call with kUnavailable; a master that answered
// before is given limits::kReturnPatience to come back to a submission or a job that is followed,
// because it goes on with its jobs when it is started again.  Belongs to one thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "common/core/status.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/versions.hpp"

namespace fanfold::cli {

/// What the owner wants after something happened that is not a reply.
enum class Attention : std::uint8_t {
  kNone = 0,
  kCancel = 1,   // Ask the master to cancel the job; go on until it is over.
  kAbandon = 2,  // Return at once with kAborted.
};

struct FollowHooks {
  /// Of replies of the kind that was asked for: whether it answers this request.  Others answer
  /// what was said before, and twice.  Empty: each does.
  std::function<bool(const proto::ClientReply&)> answers;
  /// After every status that arrives, the final one included.
  std::function<void(const proto::JobStatus&)> on_status;
  /// Once for each silence that is longer than limits::kConnectTimeout and is waited out.
  std::function<void()> on_silence;
  /// Whenever the wait ended: a watched descriptor is readable, a reply came, or a second passed.
  std::function<Attention()> on_wake;
};

class Client {
 public:
  /// `descriptors` become part of every wait: on_wake is called when one is readable.
  /// `key` is for messages: whose it is, and its file; empty: none.
  Client(std::unique_ptr<net::Transport> transport, std::string address, std::string key,
         Clock& clock, const std::vector<int>& descriptors);

  /// Sends `request` until a Reply comes, or an Answer with an error.
  template <class Reply>
  Result<Reply> ask(const proto::ClientMessage& request, const FollowHooks& hooks = {});

  /// Until the job is in a final state.
  Result<proto::JobStatus> follow(JobId job, const FollowHooks& hooks);

  /// Until one of the jobs is in a final state; the others go on.  kCancel cancels all of them.
  Result<proto::JobStatus> follow_any(const std::set<JobId>& jobs, const FollowHooks& hooks);

  const std::string& address() const { return address_; }
  /// As far as is known, the version that the master speaks.
  std::uint32_t protocol() const { return spoken_.number(); }
  /// Of the state directory of the master, once it has told; 0: not yet.
  std::uint64_t state_id() const { return state_id_; }

 private:
  /// Waits for one reply; nullopt when something else ended the wait.
  Result<std::optional<proto::ClientReply>> receive(Instant until, Duration patience);
  Status send(const proto::ClientMessage& request);
  Status send_about(const std::set<JobId>& jobs, bool cancelling);
  /// An error: ids of before mean something else to this master.
  Status note_state(const proto::ClientReply& reply);
  Status silence(Duration patience) const;
  /// Why it is of no use to wait, as far as the connection knows.
  Status trouble() const;
  /// How long the master may be silent when a job depends on it.
  Duration patience_for_a_job() const;
  void note_silence(const FollowHooks& hooks);

  std::unique_ptr<net::Transport> transport_;
  const std::string address_;
  const std::string key_;
  Clock& clock_;
  Instant heard_;               // When the last reply came, or the wait for one began.
  bool answered_ = false;       // At least once.
  bool silence_noted_ = false;  // Since it was heard last.
  std::uint64_t state_id_ = 0;
  proto::SpokenVersion spoken_;
  bool asked_anew_ = false;  // In this version, what an older master does not know.
  bool ask_again_ = false;   // In the version that was just found out.
};

/// Which master, and who asks.
struct MasterPlace {
  std::string address;
  std::string key;  // File; empty: none, as for ipc.
};

/// Checks the address, reads the key and opens the socket; whether anybody listens, and accepts the
/// key, shows at the first request.
Result<std::unique_ptr<Client>> connect_client(const MasterPlace& place, Clock& clock,
                                               const std::vector<int>& descriptors);

}  // namespace fanfold::cli
