// How often each task of a job runs, and which of its results counts; docs/patterns/replicas.md has
// the rules.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/ids.hpp"

namespace fanfold::proto {

enum class AcceptRule : std::uint8_t {
  kFirst = 0,   // Whichever is there first; the others are stopped.
  kQuorum = 1,  // What more than half of the replicas give.
  kAll = 2,     // What all of them give.
};
/// "first", "quorum", "all".
const char* name_of(AcceptRule rule);

struct ReplicaPolicy {
  std::uint32_t replicas = 1;  // Of each task, each on another worker.
  AcceptRule accept = AcceptRule::kFirst;
  /// A second attempt at what runs for longer than this share of the stage's tasks did, or than
  /// this.  0 and 0: none.
  std::uint32_t hedge_per_mille = 0;
  std::uint64_t hedge_ms = 0;

  bool replicated() const { return replicas > 1; }
  /// Results are compared before one counts.
  bool votes() const { return replicated() && accept != AcceptRule::kFirst; }
  bool hedges() const { return hedge_per_mille != 0 || hedge_ms != 0; }
  /// Equal results that settle it.
  std::uint32_t votes_needed() const {
    if (!votes()) return 1;
    if (accept == AcceptRule::kAll) return replicas;
    return replicas / 2 + 1;
  }
  bool operator==(const ReplicaPolicy&) const = default;
};

inline constexpr std::uint32_t kReplicasMax = 16;
inline constexpr std::uint32_t kHedgePerMilleLeast = 500;
inline constexpr std::uint32_t kHedgePerMilleMost = 999;
inline constexpr std::uint64_t kHedgeMsMost = 86'400'000;

/// Who gave something else than the majority.
struct Dissenter {
  WorkerId worker;
  std::string name;
  std::uint32_t results = 0;
};

/// What came of replicas and hedges.  Of the master that tells, but for the dissenters.
struct ReplicaStatus {
  ReplicaPolicy policy;
  std::uint32_t started = 0;    // Beside another attempt of the task.
  std::uint32_t discarded = 0;  // Results that agreed with the one that counts.
  std::uint32_t stopped = 0;    // That had no result when one counted.
  std::uint32_t hedges = 0;
  std::uint32_t hedges_won = 0;
  std::uint32_t waiting = 0;  // Tasks that need more workers than there are.
  std::uint32_t dissents = 0;
  std::vector<Dissenter> dissenters;  // Ascending workers.
  std::uint32_t votes = 0;            // Results that wait to be compared.
};

}  // namespace fanfold::proto
