// The records that the maps of a job could not map: how many there are, and how many there may be.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::master::scheduling {

/// Durable: made of facts alone.
class BadRecordTally {
 public:
  /// A map has committed; a later commit of the same split takes the place of the earlier one.
  void note(std::uint32_t split, std::uint64_t records, std::uint64_t bad);
  /// The job does without this map.
  void forget(std::uint32_t split);

  std::uint64_t bad() const { return bad_; }
  std::uint64_t records() const { return records_; }
  /// Splits with bad records.
  std::size_t size() const { return by_split_.size(); }
  const std::map<std::uint32_t, std::uint64_t>& by_split() const { return by_split_; }

 private:
  std::map<std::uint32_t, std::uint64_t> by_split_;
  std::uint64_t bad_ = 0;
  std::vector<std::uint64_t> read_;  // By split; those after its end have not committed.
  std::uint64_t records_ = 0;        // Their sum.
};

/// What maps have counted as failures themselves.  Durable: made of facts alone.
class FailureTally {
 public:
  /// The same as BadRecordTally's.
  void note(std::uint32_t split, std::uint64_t failures);
  void forget(std::uint32_t split);

  /// proto::kAnyNumber when one of them is never to be tolerated.
  std::uint64_t count() const { return intolerable_ > 0 ? proto::kAnyNumber : sum_; }
  std::size_t size() const { return by_split_.size(); }

 private:
  std::map<std::uint32_t, std::uint64_t> by_split_;
  std::uint64_t sum_ = 0;          // Of those that can be tolerated.
  std::uint64_t intolerable_ = 0;  // Splits.
};

/// Whether `control` allows fewer than so many failures of so many items.
bool intolerable(const proto::JobControl& control, std::uint64_t failures, std::uint64_t items);

/// Whatever maps are still to come.
bool too_many(const proto::BadRecordPolicy& policy, std::uint64_t bad);
/// Once all have come.
bool too_large_a_share(const proto::BadRecordPolicy& policy, std::uint64_t bad,
                       std::uint64_t records);

}  // namespace fanfold::master::scheduling
