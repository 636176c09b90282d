// Which keys have most of what a map task emits, for people who wonder why one partition is large.
//
// Looks at samples: at every pair while there are few, then at ever fewer of them, a few thousand
// each time that what was emitted has doubled.  Gaps between samples are drawn at random (the same
// for the same task), so that a job which emits in a rhythm deceives nobody.  Where values differ
// in size, the chance of a pair to be seen grows with its bytes.
//
// Keeps counters for two thousand keys.  When they are all taken, the smaller half goes, and what
// the median had is taken from the others (the sketch of Misra and Gries, as Anderson and others
// maintain it): so a key is told of with at most what was seen of it, and with less by at most a
// thousandth of everything.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::detail {

class HotKeys {
 public:
  /// What `position` counts: pairs, or bytes of them.
  enum class Unit : std::uint8_t { kPairs, kBytes };

  HotKeys(Unit unit, const abi::TaskSettings& settings)
      : unit_(unit),
        partitions_(settings.partitions),
        random_(settings.index * 0x9e3779b97f4a7c15u + 1),
        next_(settings.measure_keys ? 0 : ~std::uint64_t{0}) {}

  /// Whether a sample lies before `position` units of all that was emitted.
  bool wants(std::uint64_t position) const { return next_ < position; }

  /// A pair of `units`, which begins at `position`: for how many units it stands; 0: it is no
  /// sample.  Every pair of a batch that is wanted must be asked about, in order.
  std::uint64_t weigh(std::uint64_t position, std::uint64_t units) {
    const std::uint64_t end = position + units;
    if (next_ >= end) return 0;
    if (position >= restride_) slow_down(position);
    if (units >= kLargeStrides * stride_) {
      next_ = end + gap() - 1;
      return units;
    }
    std::uint64_t weight = 0;
    for (; next_ < end; next_ += gap()) weight += stride_;
    return weight;
  }

  /// A sample that stands for so many bytes.  `partition_of(key)` is asked about keys that are new.
  template <class PartitionOf>
  void add(std::string_view key, std::uint64_t bytes, PartitionOf&& partition_of) {
    if (slots_.empty()) make_room();
    const std::uint64_t hashed = hash(key);
    Slot* slot = find(hashed);
    if (slot->bytes == 0) {
      if (used_ == kKeysMax) {
        drop_small_ones();
        slot = find(hashed);
      }
      *slot = {hashed, key.size(), 0, partition_of(key), claim_text(key)};
      ++used_;
    }
    slot->bytes += bytes;
    bytes_ += bytes;
    if (!partition_bytes_.empty()) partition_bytes_[slot->partition] += bytes;
  }

  /// Tells the host, unless nothing was emitted.
  void tell(abi::TaskHost& host) {
    if (bytes_ == 0) return;
    std::vector<abi::HotKey> keys;
    // A key is of interest that makes a partition a quarter larger than it would be.
    const std::uint64_t least =
        std::max<std::uint64_t>(1, bytes_ / std::max<std::uint64_t>(200, 4 * partitions_));
    for (const Slot& slot : slots_) {
      // So much it may have had; but what is mostly a guess is not told.
      if (slot.bytes + lost_ < least || slot.bytes < least / 2) continue;
      keys.push_back({text_of(slot), slot.size, slot.hash, slot.partition, slot.bytes});
    }
    std::sort(keys.begin(), keys.end(), [](const abi::HotKey& a, const abi::HotKey& b) {
      return a.bytes != b.bytes ? a.bytes > b.bytes : a.hash < b.hash;
    });
    if (keys.size() > kKeysTold) keys.resize(kKeysTold);
    host.note_emission({bytes_, partition_bytes_, keys});
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint64_t size = 0;   // Of the whole key.
    std::uint64_t bytes = 0;  // 0: free.
    std::uint32_t partition = 0;
    std::uint32_t text = 0;  // Which of the texts.
  };

  static constexpr std::size_t kSlots = 4096;
  static constexpr std::size_t kKeysMax = kSlots / 2;
  static constexpr std::size_t kKeysTold = 16;
  static constexpr std::size_t kPartitionsTold = 64;
  static constexpr std::size_t kTextBytes = 64;
  /// Samples while what was emitted doubles: one in so many.
  static constexpr unsigned kSampleBits = 11;
  static constexpr std::uint64_t kLargeStrides = 16;
  static constexpr std::uint64_t kPairsMax = 512;
  static constexpr std::uint64_t kBytesMax = 16u << 10;

  void slow_down(std::uint64_t position) {
    const std::uint64_t most = unit_ == Unit::kPairs ? kPairsMax : kBytesMax;
    stride_ = std::clamp<std::uint64_t>(position >> kSampleBits, 1, most);
    // A change of less than a quarter is none.
    restride_ = stride_ == most ? ~std::uint64_t{0} : position + position / 4 + 1;
  }

  /// Uniform from 1 to 2 * stride - 1: the stride on average.
  std::uint64_t gap() {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return 1 + ((random_ >> 32) * (2 * stride_ - 1) >> 32);
  }

  void make_room() {
    slots_.resize(kSlots);
    texts_ = std::make_unique_for_overwrite<char[]>(kKeysMax * kTextBytes);
    free_texts_.reserve(kKeysMax);
    for (std::uint32_t i = kKeysMax; i > 0; --i) free_texts_.push_back(i - 1);
    if (partitions_ <= kPartitionsTold) partition_bytes_.resize(partitions_);
  }

  Slot* find(std::uint64_t hashed) {
    std::size_t index = hashed % kSlots;
    while (slots_[index].bytes != 0 && slots_[index].hash != hashed) index = (index + 1) % kSlots;
    return &slots_[index];
  }

  std::uint32_t claim_text(std::string_view key) {
    const std::uint32_t text = free_texts_.back();
    free_texts_.pop_back();
    std::memcpy(texts_.get() + text * kTextBytes, key.data(), std::min(key.size(), kTextBytes));
    return text;
  }
  std::string_view text_of(const Slot& slot) const {
    return {texts_.get() + slot.text * kTextBytes,
            std::min<std::size_t>(static_cast<std::size_t>(slot.size), kTextBytes)};
  }

  [[gnu::noinline]] void drop_small_ones() {
    std::vector<Slot> kept;
    std::vector<std::uint64_t> counts;
    kept.reserve(kKeysMax);
    counts.reserve(kKeysMax);
    for (const Slot& slot : slots_) {
      if (slot.bytes != 0) counts.push_back(slot.bytes);
    }
    const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
    std::nth_element(counts.begin(), middle, counts.end());
    const std::uint64_t median = *middle;
    for (Slot& slot : slots_) {
      if (slot.bytes > median) {
        kept.push_back(slot);
        kept.back().bytes -= median;
      } else if (slot.bytes != 0) {
        free_texts_.push_back(slot.text);
      }
      slot = {};
    }
    for (const Slot& slot : kept) *find(slot.hash) = slot;
    used_ = kept.size();
    lost_ += median;
  }

  const Unit unit_;
  const std::uint32_t partitions_;
  std::uint64_t random_;
  std::uint64_t stride_ = 1;
  std::uint64_t next_;          // The next sample, in units of all that was emitted.
  std::uint64_t restride_ = 0;  // From where on the stride is worked out anew.
  std::vector<Slot> slots_;     // Empty before the first sample.
  std::size_t used_ = 0;
  std::unique_ptr<char[]> texts_;  // The beginnings of keys.
  std::vector<std::uint32_t> free_texts_;
  std::uint64_t bytes_ = 0;                     // Of all samples.
  std::uint64_t lost_ = 0;                      // What was taken from a counter, at most.
  std::vector<std::uint64_t> partition_bytes_;  // The same, where there are not too many.
};

}  // namespace fanfold::detail
