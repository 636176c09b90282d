// Partitions that have much more than others, and what becomes of their reduces.  Where values can
// be folded, a hot partition gets further tasks of the reduce stage: each folds what neighbouring
// splits have for it, and its reduce reads what they leave instead of the map outputs.
//
//   reduces of partitions 0 1 2 3, of which 2 is hot and gets three shares, of nine maps:
//   task         0   1   2   3   4              5              6
//   reads        0   1   |   3   2 of maps 0-2  2 of maps 3-5  2 of maps 6-8
//                        '-------+--------------+--------------'

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fanfold::proto {

/// Below it a reduce is over before anybody has looked at it.  For who did not say a size.
inline constexpr std::uint64_t kHotPartitionBytes = 64u << 20;
/// Sizes that say something else: nobody asked for one, and no partition is hot.
inline constexpr std::uint64_t kHotFromUsualBytes = 0;
inline constexpr std::uint64_t kNeverHot = ~std::uint64_t{0};

/// Reduces that come first because they have more to read than others.
inline constexpr std::size_t kPartitionsOrdered = 64;
/// Of one partition, and of all of a job: each leaves a file that somebody merges.
inline constexpr std::uint32_t kSharesOfPartition = 16;
inline constexpr std::uint32_t kSharesOfJob = 64;

/// What a map wrote for a partition, as it is stored.
struct PartitionBytes {
  std::uint32_t partition = 0;
  std::uint64_t bytes = 0;
  bool operator==(const PartitionBytes&) const = default;
};

/// A partition that maps wrote more for than for others.
struct HeavyPartition {
  std::uint32_t partition = 0;
  std::uint64_t bytes = 0;   // At least so many: maps tell of their heaviest ones.
  bool hot = false;          // More than twice as many as others, and than the job bears.
  std::uint32_t shares = 0;  // Tasks that fold it; 0: its reduce does all of it.
  bool operator==(const HeavyPartition&) const = default;
};

/// Of the map outputs of a partition, those of some splits.
struct PartitionShare {
  std::uint32_t partition = 0;
  std::uint32_t splits_begin = 0;
  std::uint32_t splits_end = 0;  // 0: it is no share.
  bool is_share() const { return splits_end != 0; }
  bool reads(std::uint32_t split) const {
    return !is_share() || (split >= splits_begin && split < splits_end);
  }
  bool operator==(const PartitionShare&) const = default;
};

/// Which tasks of the reduce stage are shares.
class Shares {
 public:
  /// The first protocol whose workers can do them.
  static constexpr std::uint32_t kSince = 7;

  Shares() = default;
  /// `ends`: of each share, in the order of their tasks, the split behind the last one that it
  /// reads.  The first one of a partition begins with split 0.
  Shares(std::uint32_t partitions, const std::vector<HeavyPartition>& heavy,
         std::vector<std::uint32_t> ends);
  /// Whether a job of so many partitions and maps may have these.
  static bool are_possible(std::uint32_t partitions, std::uint32_t maps,
                           const std::vector<HeavyPartition>& heavy,
                           const std::vector<std::uint32_t>& ends);

  /// Tasks beyond the partitions.
  std::uint32_t tasks() const { return static_cast<std::uint32_t>(ends_.size()); }
  /// What the task reads; no share: it is the reduce of the partition of its number.
  PartitionShare share(std::uint32_t task) const;

  struct Folded {
    std::uint32_t partition = 0;
    std::uint32_t begin = 0;  // The tasks that are its shares.
    std::uint32_t end = 0;
  };
  /// The most urgent first.
  const std::vector<Folded>& folded() const { return folded_; }
  /// Null: the reduce of the partition reads map outputs.
  const Folded* find(std::uint32_t partition) const;

 private:
  std::uint32_t partitions_ = 0;
  std::vector<std::uint32_t> ends_;
  std::vector<Folded> folded_;  // In the order of their tasks.
};

}  // namespace fanfold::proto
