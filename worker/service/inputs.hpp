// What reduce attempts read: outputs that lie on this host are opened where they are, others are
// fetched first.  The worker's data server and fetcher live here.  One thread.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "common/net/event_counter.hpp"
#include "worker/agent/event.hpp"
#include "worker/service/scratch.hpp"
#include "worker/shuffle/data_server.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::worker {

/// Equal where the same paths lead to the same files: one boot of one kernel, one mount namespace.
std::string own_host_id();

struct InputsOptions {
  std::string host_id;
  std::string data_address;
  bool allow_unauthenticated_tcp = false;
};

class Inputs {
 public:
  /// What is borrowed outlives the Inputs.
  static Result<std::unique_ptr<Inputs>> make(const InputsOptions& options, const Scratch& scratch,
                                              io::FileSystem& files, Clock& clock);

  const std::string& data_endpoint() const { return server_->endpoint(); }

  /// One InputsReady follows, unless it is cancelled.
  void bring(const proto::TaskAssignment& assignment);
  void cancel(AttemptId attempt);
  std::vector<InputsReady> take_ready();
  bool has_ready() const { return !ready_.empty(); }
  /// Readable when take_ready() has something.
  int descriptor() const { return fetched_.descriptor(); }

  /// In the order of the assignment's outputs; none for attempts that were not brought.
  std::vector<LocalSegment> take_segments(AttemptId attempt);

 private:
  Inputs(InputsOptions options, const Scratch& scratch)
      : options_(std::move(options)), scratch_(scratch) {}

  const InputsOptions options_;
  const Scratch& scratch_;
  net::EventCounter fetched_;
  /// By attempt: complete, or but for what the fetcher brings.
  std::map<AttemptId, std::vector<LocalSegment>> segments_;
  std::vector<InputsReady> ready_;
  std::unique_ptr<DataServer> server_;
  std::unique_ptr<Fetcher> fetcher_;  // Its thread raises fetched_.
};

}  // namespace fanfold::worker
