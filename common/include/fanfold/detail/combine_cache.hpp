// The map side of a job whose combiner folds small plain values: a table of fixed size that stays
// within the caches, in front of a sort buffer.  Keys that come often are folded in it; when two
// others want a place, the one that came less often leaves for the buffer, which folds what comes
// together there.  When hardly any key is met again, pairs go to the buffer at once for a while.
//
// A set has two slots of half a cache line; keys of up to sixteen bytes live inside them.  A batch
// is hashed and its slots prefetched before the first one is looked at.

#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "fanfold/abi.hpp"
#include "fanfold/detail/arena.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/short_key.hpp"
#include "fanfold/detail/sort_buffer.hpp"
#include "fanfold/detail/stored_value.hpp"

namespace fanfold::detail {

template <class Job>
class CombineCache {
 public:
  using Traits = JobTraits<Job>;
  using Value = typename Traits::Value;
  using JobPair = Pair<Value>;

  CombineCache(Job& job, abi::TaskHost& host, const abi::TaskSettings& settings,
               abi::ProgressSlot& progress)
      : job_(job),
        memory_bytes_(settings.memory_bytes),
        buffer_(job, host, settings, progress, memory_bytes_ - memory_bytes_ / 4) {
    const std::uint64_t slots = std::max<std::uint64_t>(memory_bytes_ / 8 / sizeof(Slot), 64);
    last_bits_ = std::min(kLastBits, static_cast<unsigned>(std::bit_width(slots) - 1));
    resize(std::min(kFirstBits, last_bits_));
  }

  std::uint32_t partition_of(std::string_view key) { return buffer_.partition_of(key); }

  void take(const JobPair* pairs, std::size_t count) {
    if (passing_ > 0) {
      pass_on(pairs, count);
      return;
    }
    Probe probes[kBatchPairs];
    for (std::size_t i = 0; i < count; ++i) {
      probes[i] = probe_of(pairs[i]);
      __builtin_prefetch(&slots_[first_of(probes[i].hash)], 1);
    }
    for (std::size_t i = 0; i < count; ++i) put(probes[i], pairs[i]);
    taken_ += count;
    if (taken_ >= std::uint64_t{4} << bits_) [[unlikely]]
      judge();
  }

  /// Writes the final run.
  void finish() {
    flush();
    pages_ = Pages();
    keys_ = Arena();
    buffer_.finish();
  }

 private:
  struct Slot {
    ShortKey key;                     // A long key: its address and its hash.
    std::uint32_t size_plus_one = 0;  // Zero: free.
    std::uint32_t hits = 0;
    std::uint64_t value = 0;
  };
  static_assert(sizeof(Slot) == 32);

  struct Probe {
    ShortKey key;
    std::uint64_t hash;
  };

  using Values = StoredValues<Value, Traits::kOrderValues>;

  static constexpr unsigned kFirstBits = 11;
  /// 16 MiB: larger than the second-level cache, because a pair that leaves costs more than a slot
  /// from the third.
  static constexpr unsigned kLastBits = 19;

  static Probe probe_of(const JobPair& pair) {
    if (pair.key_size <= kShortKeyBytes) [[likely]] {
      const ShortKey key = load_short_key(pair.key, pair.key_size);
      return {key, hash_short_key(key, pair.key_size)};
    }
    const std::uint64_t long_hash = hash_long_key(pair.key, pair.key_size);
    return {{reinterpret_cast<std::uint64_t>(pair.key), long_hash}, long_hash};
  }
  static std::uint64_t hash_of(const Slot& slot) {
    const std::uint32_t size = slot.size_plus_one - 1;
    return size <= kShortKeyBytes ? hash_short_key(slot.key, size) : slot.key.high;
  }
  static std::string_view key_of(const Slot& slot) {
    const std::size_t size = slot.size_plus_one - 1;
    const char* data = size <= kShortKeyBytes ? reinterpret_cast<const char*>(&slot.key)
                                              : reinterpret_cast<const char*>(slot.key.low);
    return {data, size};
  }
  static bool same_key(const Slot& slot, const Probe& probe, std::uint32_t size) {
    if (slot.size_plus_one != size + 1 || slot.key.high != probe.key.high) return false;
    if (size <= kShortKeyBytes) [[likely]]
      return slot.key.low == probe.key.low;
    return same_bytes(reinterpret_cast<const char*>(slot.key.low),
                      reinterpret_cast<const char*>(probe.key.low), size);
  }

  /// Of the first slot of the set.
  std::size_t first_of(std::uint64_t hash) const { return hash >> shift_ << 1; }
  std::size_t capacity() const { return std::size_t{1} << bits_; }

  void put(const Probe& probe, const JobPair& pair) {
    Slot* const set = slots_ + first_of(probe.hash);
    if (same_key(set[0], probe, pair.key_size)) {
      fold(set[0], pair);
    } else if (same_key(set[1], probe, pair.key_size)) {
      fold(set[1], pair);
    } else {
      replace(probe, pair);
    }
  }

  void fold(Slot& slot, const JobPair& pair) {
    values_.fold(job_, slot.value, pair);
    slot.hits += slot.hits != ~std::uint32_t{0} ? 1 : 0;
  }

  void replace(const Probe& probe, const JobPair& pair) {
    Slot* set = slots_ + first_of(probe.hash);
    while (set[0].size_plus_one != 0 && set[1].size_plus_one != 0 && bits_ < last_bits_) {
      resize(bits_ + 1);
      set = slots_ + first_of(probe.hash);
    }
    // The hits of a free slot are none.
    Slot& slot = set[set[1].hits <= set[0].hits ? 1 : 0];
    if (slot.size_plus_one != 0) give_away(slot);
    slot.key = probe.key;
    slot.size_plus_one = pair.key_size + 1;
    slot.hits = 1;
    slot.value = values_.store(pair);
    ++placed_;
    if (pair.key_size > kShortKeyBytes) keep_long_key(slot);
  }

  void keep_long_key(Slot& slot) {
    const std::string_view key = key_of(slot);
    slot.key.low = reinterpret_cast<std::uint64_t>(keys_.copy(key));
    long_bytes_ += key.size();
    if (keys_.used() > kKeyBytesMin && keys_.used() > 2 * long_bytes_) tidy_keys();
    if (keys_.used() > memory_bytes_ / 16) flush();
  }

  /// Bytes of keys that have left are only taken back here.
  [[gnu::noinline]] void tidy_keys() {
    std::swap(keys_, spare_keys_);
    for (std::size_t i = 0; i < capacity(); ++i) {
      Slot& slot = slots_[i];
      if (slot.size_plus_one <= kShortKeyBytes + 1) continue;
      slot.key.low = reinterpret_cast<std::uint64_t>(keys_.copy(key_of(slot)));
    }
    spare_keys_.rewind();
  }

  void give_away(const Slot& slot) {
    const std::string_view key = key_of(slot);
    if (key.size() <= kShortKeyBytes) [[likely]] {
      buffer_.append_value(key, byte_swap(slot.key.low), values_.plain(slot.value));
    } else {
      buffer_.append_value(key, prefix_of(key.data(), key.size()), values_.plain(slot.value));
      long_bytes_ -= key.size();
    }
  }

  void flush() {
    for (std::size_t i = 0; i < capacity(); ++i) {
      if (slots_[i].size_plus_one != 0) give_away(slots_[i]);
    }
    std::memset(static_cast<void*>(slots_), 0, capacity() * sizeof(Slot));
    keys_.rewind();
    long_bytes_ = 0;
  }

  /// Fewer than one in eight was met again: looking costs more than it saves.
  [[gnu::noinline]] void judge() {
    if (bits_ == last_bits_ && placed_ > taken_ - taken_ / 8) {
      // What came first must be in the buffer before what comes next.
      flush();
      passing_ = std::uint64_t{32} << bits_;
    }
    taken_ = placed_ = 0;
  }

  void pass_on(const JobPair* pairs, std::size_t count) {
    buffer_.take(pairs, count);
    passing_ -= std::min<std::uint64_t>(passing_, count);
  }

  /// Twice as many sets: those of one go to two, where they fit.
  [[gnu::noinline]] void resize(unsigned bits) {
    Pages pages((std::size_t{1} << bits) * sizeof(Slot));
    auto* const slots = reinterpret_cast<Slot*>(pages.data());
    const std::size_t before = slots_ == nullptr ? 0 : capacity();
    bits_ = bits;
    shift_ = 64 - (bits - 1);
    for (std::size_t i = 0; i < before; ++i) {
      const Slot& slot = slots_[i];
      if (slot.size_plus_one == 0) continue;
      Slot* const set = slots + first_of(hash_of(slot));
      set[set[0].size_plus_one != 0 ? 1 : 0] = slot;
    }
    pages_ = std::move(pages);
    slots_ = slots;
  }

  static constexpr std::size_t kKeyBytesMin = 256u << 10;

  Job& job_;
  const std::uint64_t memory_bytes_;
  SortBuffer<Job> buffer_;
  Values values_;

  Pages pages_;
  Slot* slots_ = nullptr;
  unsigned bits_ = 0;
  unsigned shift_ = 0;
  unsigned last_bits_ = 0;
  Arena keys_;  // Long ones.
  Arena spare_keys_;
  std::size_t long_bytes_ = 0;  // Of the keys that are still here.
  std::uint64_t taken_ = 0;     // Pairs since the last judgement...
  std::uint64_t placed_ = 0;    // ...and those that were not met again.
  std::uint64_t passing_ = 0;   // Pairs that go to the buffer at once.
};

}  // namespace fanfold::detail
