// What reduce attempts read: outputs that lie on this host are opened where they are, others are
// fetched first.  One thread.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "worker/agent/event.hpp"
#include "worker/service/scratch.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::worker {

/// Equal where the same paths lead to the same files: one boot of one kernel, one mount namespace.
std::string own_host_id();

class Inputs {
 public:
  /// What is borrowed outlives the Inputs.
  Inputs(std::string host_id, const Scratch& scratch, Fetcher& fetcher)
      : host_id_(std::move(host_id)), scratch_(scratch), fetcher_(fetcher) {}

  /// One InputsReady follows, unless it is cancelled.
  void bring(const proto::TaskAssignment& assignment);
  void cancel(AttemptId attempt);
  std::vector<InputsReady> take_ready();
  bool has_ready() const { return !ready_.empty(); }

  /// In the order of the assignment's outputs; none for attempts that were not brought.
  std::vector<LocalSegment> take_segments(AttemptId attempt);

 private:
  const std::string host_id_;
  const Scratch& scratch_;
  Fetcher& fetcher_;
  /// By attempt: complete, or but for what the fetcher brings.
  std::map<AttemptId, std::vector<LocalSegment>> segments_;
  std::vector<InputsReady> ready_;
};

}  // namespace fanfold::worker
