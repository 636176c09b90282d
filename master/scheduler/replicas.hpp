// Replicas of one task: who runs it, what those gave that are done, and whether that settles it.
// Transient: a restarted master is told again by the workers, who keep results until they are
// answered.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master::scheduling {

struct Ballot {
  std::vector<AttemptId> attempts;           // Live, in the order in which they began.
  std::map<AttemptId, std::uint64_t> votes;  // Digests of those that have a result.
  bool troubled = false;  // One has failed: no more are started than it takes to decide.
  Instant not_before;     // No further one.
  /// As filed among those that want one more: live ones on workers that stay.
  std::optional<std::uint32_t> filed;

  std::uint32_t live() const { return static_cast<std::uint32_t>(attempts.size()); }
  std::uint32_t voted() const { return static_cast<std::uint32_t>(votes.size()); }
  std::uint32_t votes_for(std::uint64_t digest) const;
  std::uint32_t votes_most() const;
};

/// Whether what is live can settle it, if all that has no result yet agrees.
bool may_settle(const proto::ReplicaPolicy& policy, const Ballot& ballot);
/// Whether one more should run: there are fewer than there should be, and when one has failed, what
/// runs cannot settle it.
bool wants_more(const proto::ReplicaPolicy& policy, const Ballot& ballot);
/// Whatever the replicas that have not voted give.
bool is_hopeless(const proto::ReplicaPolicy& policy, const Ballot& ballot);

/// Second attempts at slow tasks of a stage of so many tasks, in all: twice what the percentile
/// leaves over, so that a stage that becomes slow as a whole is not run twice.
std::uint32_t hedges_max(const proto::ReplicaPolicy& policy, std::uint32_t tasks);

/// What the replicas of a job cost and showed.
struct ReplicaTally {
  std::uint32_t started = 0;
  std::uint32_t discarded = 0;
  std::uint32_t stopped = 0;
  std::uint32_t hedges = 0;
  std::uint32_t hedges_won = 0;
  // Durable.
  std::uint32_t dissents = 0;
  std::map<WorkerId, proto::Dissenter> dissenters;
};

}  // namespace fanfold::master::scheduling
