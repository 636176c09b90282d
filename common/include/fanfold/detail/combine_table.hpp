// The map side of a job with a combiner: an open-addressing table from encoded keys to values.
// Slots are half a cache line; keys of up to sixteen bytes live inside them.  A batch is hashed and
// its slots prefetched before the first one is looked at.  When the memory budget is used up, the
// table is written as a sorted run and begins anew.

#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/detail/arena.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/partitioner.hpp"
#include "fanfold/detail/passes.hpp"
#include "fanfold/detail/prefix_sort.hpp"
#include "fanfold/detail/run_writer.hpp"
#include "fanfold/detail/short_key.hpp"
#include "fanfold/detail/stored_value.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::detail {

template <class Job>
class CombineTable {
 public:
  using Traits = JobTraits<Job>;
  using Value = typename Traits::Value;
  using JobPair = Pair<Value>;

  CombineTable(Job& job, abi::TaskHost& host, const abi::TaskSettings& settings,
               abi::ProgressSlot& progress)
      : job_(job),
        host_(host),
        settings_(settings),
        progress_(progress),
        partition_(job, settings),
        passes_(job, host, settings, progress) {}

  std::uint32_t partition_of(std::string_view key) { return partition_(key); }

  void take(const JobPair* pairs, std::size_t count) {
    if (slots_ == nullptr) grow();
    Probe probes[kBatchPairs];
    for (std::size_t i = 0; i < count; ++i) {
      probes[i] = probe_of(pairs[i]);
      __builtin_prefetch(&slots_[probes[i].hash >> shift_], 1);
    }
    for (std::size_t i = 0; i < count; ++i) put(probes[i], pairs[i]);
  }

  /// Writes the final run.
  void finish() {
    if (passes_.empty()) {
      write_run(abi::RunKind::kFinal);
      return;
    }
    spill();
    release();
    passes_.write_final();
  }

 private:
  struct Slot {
    ShortKey key;                     // A long key: its address and its hash.
    std::uint32_t size_plus_one = 0;  // Zero: free.
    std::uint32_t partition = 0;
    std::uint64_t value = 0;
  };
  static_assert(sizeof(Slot) == 32);

  struct Probe {
    ShortKey key;
    std::uint64_t hash;
  };

  struct Entry {
    std::uint64_t prefix;
    std::uint32_t slot;
    std::uint32_t size;
  };

  /// What PrefixSort needs to know of entries.  Keys of a table are unique.
  struct Keys {
    const Slot* slots;
    std::string_view key(const Entry& entry) const { return key_of(slots[entry.slot]); }
    std::size_t size_hint(const Entry& entry) const { return entry.size; }
    bool equal_keys_less(const Entry&, const Entry&) const { return false; }
  };

  static constexpr unsigned kFirstBits = 12;
  static constexpr unsigned kLastBits = 31;  // Entries name slots by 32 bits.

  static std::string_view key_of(const Slot& slot) {
    const std::size_t size = slot.size_plus_one - 1;
    const char* data = size <= kShortKeyBytes ? reinterpret_cast<const char*>(&slot.key)
                                              : reinterpret_cast<const char*>(slot.key.low);
    return {data, size};
  }

  static Probe probe_of(const JobPair& pair) {
    if (pair.key_size <= kShortKeyBytes) [[likely]] {
      const ShortKey key = load_short_key(pair.key, pair.key_size);
      return {key, hash_short_key(key, pair.key_size)};
    }
    const std::uint64_t long_hash = hash({pair.key, pair.key_size});
    return {{reinterpret_cast<std::uint64_t>(pair.key), long_hash}, long_hash};
  }

  static std::uint64_t hash_of(const Slot& slot) {
    const std::uint32_t size = slot.size_plus_one - 1;
    return size <= kShortKeyBytes ? hash_short_key(slot.key, size) : slot.key.high;
  }

  static bool same_key(const Slot& slot, const Probe& probe, std::uint32_t size) {
    if (slot.size_plus_one != size + 1 || slot.key.high != probe.key.high) return false;
    if (size <= kShortKeyBytes) [[likely]]
      return slot.key.low == probe.key.low;
    return std::memcmp(reinterpret_cast<const char*>(slot.key.low),
                       reinterpret_cast<const char*>(probe.key.low), size) == 0;
  }

  void put(const Probe& probe, const JobPair& pair) {
    std::size_t index = probe.hash >> shift_;
    for (;;) {
      Slot& slot = slots_[index];
      if (same_key(slot, probe, pair.key_size)) [[likely]] {
        values_.fold(job_, slot.value, pair);
        // Folding may grow a value that lives outside of the table.
        if constexpr (!kPlainValue<Value>) {
          if (used_bytes() > settings_.memory_bytes) make_room();
        }
        return;
      }
      if (slot.size_plus_one == 0) break;
      index = (index + 1) & mask_;
    }
    insert(probe, pair, index);
  }

  [[gnu::noinline]] void insert(const Probe& probe, const JobPair& pair, std::size_t index) {
    if (used_ == limit_ || used_bytes() > settings_.memory_bytes) {
      make_room();
      for (index = probe.hash >> shift_; slots_[index].size_plus_one != 0;) {
        index = (index + 1) & mask_;
      }
    }
    Slot& slot = slots_[index];
    slot.key = probe.key;
    const std::string_view key(pair.key, pair.key_size);
    if (key.size() > kShortKeyBytes) {
      slot.key.low = reinterpret_cast<std::uint64_t>(keys_.copy(key));
    }
    slot.partition = partition_(key);
    slot.value = values_.store(pair);
    slot.size_plus_one = pair.key_size + 1;
    ++used_;
  }

  /// Slots, what sorting them will take, long keys, and values outside of their slots.
  std::size_t used_bytes() const {
    return capacity() * sizeof(Slot) + used_ * sizeof(Entry) + keys_.used() + values_.bytes();
  }
  std::size_t capacity() const { return slots_ == nullptr ? 0 : mask_ + 1; }

  void make_room() {
    if (used_ < limit_ || !may_grow()) {
      spill();
    } else {
      grow();
    }
  }

  /// While it grows, a table exists twice; afterwards it has to be sorted.
  bool may_grow() const {
    const std::size_t grown = 2 * capacity() * sizeof(Slot);
    return bits_ < kLastBits &&
           grown + grown / 2 + keys_.used() + values_.bytes() <= settings_.memory_bytes;
  }

  [[gnu::noinline]] void grow() {
    const unsigned bits = slots_ == nullptr ? kFirstBits : bits_ + (bits_ < 16 ? 2u : 1u);
    Pages pages((std::size_t{1} << bits) * sizeof(Slot));
    Slot* const slots = reinterpret_cast<Slot*>(pages.data());
    const std::size_t mask = (std::size_t{1} << bits) - 1;
    const unsigned shift = 64 - bits;
    for (std::size_t i = 0; i < capacity(); ++i) {
      const Slot& slot = slots_[i];
      if (slot.size_plus_one == 0) continue;
      std::size_t index = hash_of(slot) >> shift;
      while (slots[index].size_plus_one != 0) index = (index + 1) & mask;
      slots[index] = slot;
    }
    pages_ = std::move(pages);
    slots_ = slots;
    mask_ = mask;
    shift_ = shift;
    bits_ = bits;
    limit_ = (mask + 1) / 8 * 5;
  }

  void spill() {
    if (used_ == 0) return;
    write_run(abi::RunKind::kSpill);
    passes_.add_spill();
    std::memset(static_cast<void*>(slots_), 0, capacity() * sizeof(Slot));
    keys_.rewind();
    values_.clear();
    used_ = 0;
  }

  void release() {
    pages_ = Pages();
    slots_ = nullptr;
    entry_pages_ = Pages();
    keys_ = Arena();
    values_.release();
  }

  void write_run(abi::RunKind kind) {
    RunWriter out(host_, kind, progress_);
    std::vector<std::size_t> ends;
    const Entry* entries = sorted_entries(ends);
    std::size_t at = 0;
    Bytes value;
    for (std::uint32_t partition = 0; partition < ends.size(); ++partition) {
      for (; at < ends[partition]; ++at) {
        if (at + kLookAhead < used_) __builtin_prefetch(&slots_[entries[at + kLookAhead].slot]);
        const Slot& slot = slots_[entries[at].slot];
        value.clear();
        values_.encode(slot.value, value);
        out.write(partition, key_of(slot), value.view());
      }
    }
    out.finish();
  }

  /// Entries of all used slots, by partition and key; `ends` are where partitions end.
  const Entry* sorted_entries(std::vector<std::size_t>& ends) {
    ends.assign(settings_.partitions, 0);
    if (used_ == 0) return nullptr;
    for (std::size_t i = 0; i < capacity(); ++i) {
      if (slots_[i].size_plus_one != 0) ++ends[slots_[i].partition];
    }
    std::size_t begin = 0;
    for (std::size_t& end : ends) begin += std::exchange(end, begin);
    if (entry_pages_.size() < used_ * sizeof(Entry)) {
      entry_pages_ = Pages();
      entry_pages_ = Pages(used_ * sizeof(Entry));
    }
    Entry* const entries = reinterpret_cast<Entry*>(entry_pages_.data());
    for (std::size_t i = 0; i < capacity(); ++i) {
      const Slot& slot = slots_[i];
      if (slot.size_plus_one == 0) continue;
      const std::uint32_t size = slot.size_plus_one - 1;
      const std::uint64_t prefix =
          size <= kShortKeyBytes ? byte_swap(slot.key.low) : prefix_of(key_of(slot).data(), size);
      entries[ends[slot.partition]++] = {prefix, static_cast<std::uint32_t>(i), size};
    }
    const Keys keys{slots_};
    const PrefixSort<Entry, Keys> sorter(keys);
    std::size_t first = 0;
    for (const std::size_t end : ends) {
      sorter.sort(entries + first, entries + end);
      first = end;
    }
    return entries;
  }

  static constexpr std::size_t kLookAhead = 8;

  Job& job_;
  abi::TaskHost& host_;
  const abi::TaskSettings& settings_;
  abi::ProgressSlot& progress_;
  Partitioner<Job> partition_;
  Passes<Job> passes_;

  Pages pages_;
  Slot* slots_ = nullptr;
  std::size_t mask_ = 0;
  unsigned shift_ = 0;
  unsigned bits_ = 0;
  std::size_t used_ = 0;
  std::size_t limit_ = 0;
  Arena keys_;  // Long ones.
  StoredValues<Value, Traits::kOrderValues> values_;
  Pages entry_pages_;
};

}  // namespace fanfold::detail
