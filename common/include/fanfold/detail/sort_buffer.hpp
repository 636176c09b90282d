// Where the pairs of a map task wait to be sorted: encoded, in one bucket for each partition and
// range of keys.  At the memory budget the buckets are sorted one by one, each within the caches,
// by key and then emission or value, and written as a run.  With a combiner, records of one key
// become one on the way out.

#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/detail/arena.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/key_ranges.hpp"
#include "fanfold/detail/partitioner.hpp"
#include "fanfold/detail/passes.hpp"
#include "fanfold/detail/prefix_sort.hpp"
#include "fanfold/detail/record_buckets.hpp"
#include "fanfold/detail/run_writer.hpp"

namespace fanfold::detail {

template <class Job>
class SortBuffer {
 public:
  using Traits = JobTraits<Job>;
  using Value = typename Traits::Value;
  using JobPair = Pair<Value>;

  SortBuffer(Job& job, abi::TaskHost& host, const abi::TaskSettings& settings,
             abi::ProgressSlot& progress, std::uint64_t memory_bytes)
      : host_(host),
        settings_(settings),
        progress_(progress),
        memory_bytes_(memory_bytes),
        partition_(job, settings),
        fold_(job, settings.combine),
        passes_(job, host, settings, progress) {}

  std::uint32_t partition_of(std::string_view key) { return partition_(key); }

  void take(const JobPair* pairs, std::size_t count) {
    constexpr std::size_t kTogether = Partitioner<Job>::kTogether;
    for (std::size_t i = 0; i < count; i += kTogether) {
      take_some(pairs + i, std::min(kTogether, count - i));
    }
  }

  /// `prefix` is that of the key.
  void append_value(std::string_view key, std::uint64_t prefix, const Value& value) {
    value_.clear();
    encode_value<Traits::kOrderValues>(value, value_);
    append_encoded(key, prefix, value_.view());
  }
  void append_encoded(std::string_view key, std::uint64_t prefix, std::string_view value) {
    append_to(partition_(key), key, prefix, value);
  }

  /// Writes the final run.
  void finish() {
    if (passes_.empty()) {
      write_run(abi::RunKind::kFinal);
      Region::keep(buckets_.close());
      return;
    }
    spill();
    // Merging has the whole budget for itself.
    static_cast<void>(buckets_.close());
    entry_pages_ = Pages();
    passes_.write_final();
  }

 private:
  /// At most Partitioner::kTogether.
  void take_some(const JobPair* pairs, std::size_t count) {
    constexpr std::size_t kTogether = Partitioner<Job>::kTogether;
    std::string_view keys[kTogether];
    std::uint64_t prefixes[kTogether];
    std::uint32_t partitions[kTogether];
    for (std::size_t i = 0; i < count; ++i) {
      keys[i] = {pairs[i].key, pairs[i].key_size};
      prefixes[i] = prefix_of(pairs[i].key, pairs[i].key_size);
      if constexpr (!kByRange) partitions[i] = partition_(keys[i]);
    }
    if constexpr (kByRange) partition_.find_ranges(keys, prefixes, count, partitions);
    for (std::size_t i = 0; i < count; ++i) {
      if constexpr (kPlainValue<Value>) {
        value_.clear();
        encode_value<Traits::kOrderValues>(pairs[i].value, value_);
        append_to(partitions[i], keys[i], prefixes[i], value_.view());
      } else {
        append_to(partitions[i], keys[i], prefixes[i], {pairs[i].value.data, pairs[i].value_size});
      }
    }
  }

  void append_to(std::uint32_t partition, std::string_view key, std::uint64_t prefix,
                 std::string_view value) {
    if (buckets_.count() == 0) open();
    const std::size_t bytes = key.size() + value.size() + 2 * kVarintBytesMax;
    std::size_t bucket = bucket_of(partition, prefix);
    if (buckets_.full(bucket, bytes)) [[unlikely]] {
      if (make_room(bytes)) bucket = bucket_of(partition, prefix);
    }
    buckets_.append(bucket, key, value);
  }

  /// What sorting wants to know of a record.
  struct Entry {
    std::uint64_t prefix;
    std::uint64_t place;  // Size, offset: most significant first.

    std::uint64_t offset() const { return place & ((std::uint64_t{1} << kOffsetBits) - 1); }
    std::size_t size() const { return place >> kOffsetBits; }
  };
  /// Key sizes up to 8 are in the entry; 9 stands for anything larger.
  static constexpr unsigned kOffsetBits = 60;
  static constexpr std::uint64_t kLongKey = 9;

  struct Keys {
    const char* base;

    Record record(const Entry& entry) const {
      return RecordBuckets::record_at(base + entry.offset());
    }
    std::string_view key(const Entry& entry) const { return record(entry).key; }
    std::size_t size_hint(const Entry& entry) const { return entry.size(); }
    bool equal_keys_less(const Entry& a, const Entry& b) const {
      if constexpr (Traits::kOrderValues) {
        const int order = record(a).value.compare(record(b).value);
        if (order != 0) return order < 0;
      }
      // Addresses within a bucket are in the order of emission.
      return a.offset() < b.offset();
    }
  };

  static constexpr bool kByRange = Traits::kPartitioning == abi::Partitioning::kRange;
  /// So many that a bucket and its entries fit the second-level cache...
  static constexpr std::uint64_t kBucketBytes = 128u << 10;
  /// ...but no more than have their ends in the first.
  static constexpr std::uint64_t kBucketsMax = 1024;
  /// Records looked at to choose the ranges.
  static constexpr std::uint64_t kSampleBytes = 1u << 20;
  static constexpr std::size_t kSampleRecords = 1u << 14;

  void open() {
    buckets_.open(Region::take(memory_bytes_ + 2 * kRecordBytesMax + (4u << 20)));
    buckets_.reset(bucket_count());
  }

  /// A bucket holds keys of one partition; those of a partition follow each other in key order.
  /// Partitions by range ascend with the keys, as ranges do, so that their sum names both.
  std::size_t bucket_of(std::uint32_t partition, std::uint64_t prefix) const {
    if constexpr (kByRange) return partition + ranges_.find(prefix);
    return partition * ranges_.count() + ranges_.find(prefix);
  }
  std::size_t bucket_count() const {
    if constexpr (kByRange) return settings_.partitions + ranges_.count() - 1;
    return settings_.partitions * ranges_.count();
  }

  /// Records, and entries for the largest bucket, sorted and not.
  std::uint64_t used_bytes() const { return buckets_.used() + entry_bytes(); }
  std::uint64_t entry_bytes() const { return 2 * buckets_.largest() * sizeof(Entry); }

  /// Whether buckets are other ones now.
  [[gnu::noinline]] bool make_room(std::size_t bytes) {
    if (buckets_.records() == 0) return false;
    if (used_bytes() + bytes > memory_bytes_) {
      spill();
      return false;
    }
    if (ranged_ || buckets_.used() < std::min(kSampleBytes, memory_bytes_ / 8)) return false;
    ranged_ = true;
    return choose_ranges();
  }

  bool choose_ranges() {
    std::uint64_t ranges = std::clamp<std::uint64_t>(memory_bytes_ / kBucketBytes, 1, kBucketsMax);
    if constexpr (!kByRange) ranges /= settings_.partitions;
    // The records are copied, so there must be room for them twice.
    if (ranges < 2 || buckets_.used() > memory_bytes_ / 4) return false;
    const std::uint64_t step = buckets_.records() / kSampleRecords + 1;
    std::vector<std::uint64_t> sample;
    std::uint64_t skip = 0;
    for (std::size_t bucket = 0; bucket < buckets_.count(); ++bucket) {
      buckets_.for_each(bucket, [&](const Record& record) {
        if (skip-- != 0) return;
        skip = step - 1;
        sample.push_back(prefix_of(record.key.data(), record.key.size()));
      });
    }
    ranges_.choose(ranges, sample);
    buckets_.redistribute(bucket_count(), [this](std::size_t partition, const Record& record) {
      return bucket_of(static_cast<std::uint32_t>(partition),
                       prefix_of(record.key.data(), record.key.size()));
    });
    return true;
  }

  void spill() {
    if (buckets_.records() == 0) return;
    write_run(abi::RunKind::kSpill);
    passes_.add_spill();
    buckets_.reset(bucket_count());
  }

  void write_run(abi::RunKind kind) {
    RunWriter out(host_, kind, progress_);
    if (entry_pages_.size() < entry_bytes()) {
      entry_pages_ = Pages();
      entry_pages_ = Pages(entry_bytes());
    }
    for (std::size_t bucket = 0; bucket < buckets_.count(); ++bucket) {
      const std::size_t count = buckets_.records(bucket);
      if (count == 0) continue;
      const Entry* const sorted = sort_bucket(bucket, count);
      write_sorted(sorted, count, partition_of_bucket(bucket, *sorted), out);
    }
    out.finish();
  }

  std::uint32_t partition_of_bucket(std::size_t bucket, const Entry& any) {
    if constexpr (kByRange) return partition_(keys().key(any));
    return static_cast<std::uint32_t>(bucket / ranges_.count());
  }

  Keys keys() const { return {buckets_.base()}; }

  const Entry* sort_bucket(std::size_t bucket, std::size_t count) {
    auto* const entries = reinterpret_cast<Entry*>(entry_pages_.data());
    Entry* to = entries;
    const char* const base = buckets_.base();
    buckets_.for_each(bucket, [&](const Record& record) {
      const std::uint64_t size = record.key.size() <= 8 ? record.key.size() : kLongKey;
      *to++ = {prefix_of(record.key.data(), record.key.size()),
               size << kOffsetBits | static_cast<std::uint64_t>(record.bytes.data() - base)};
    });
    const Keys access = keys();
    return PrefixSort<Entry, Keys>(access).sort(entries, to, entries + count);
  }

  void write_sorted(const Entry* entry, std::size_t count, std::uint32_t partition,
                    RunWriter& out) {
    const Keys access = keys();
    Record record = access.record(*entry);
    for (const Entry* const end = entry + count; ++entry != end;) {
      const Record next = access.record(*entry);
      if constexpr (Traits::kHasCombine) {
        if (settings_.combine && same_text(record.key, next.key)) {
          // The first of a key goes in here, the last one below.
          fold_.add(record, partition, out);
          record = next;
          continue;
        }
      }
      write_one(record, partition, out);
      record = next;
    }
    write_one(record, partition, out);
  }

  void write_one(const Record& record, std::uint32_t partition, RunWriter& out) {
    if constexpr (Traits::kHasCombine) {
      if (fold_.holding()) {
        fold_.add(record, partition, out);
        fold_.write_held(partition, out);
        return;
      }
    }
    out.write(partition, record.bytes);
  }

  abi::TaskHost& host_;
  const abi::TaskSettings& settings_;
  abi::ProgressSlot& progress_;
  const std::uint64_t memory_bytes_;
  Partitioner<Job> partition_;
  RecordFold<Job> fold_;
  Passes<Job> passes_;

  RecordBuckets buckets_;
  KeyRanges ranges_;
  bool ranged_ = false;  // They have been chosen, or need not be.
  Bytes value_;
  Pages entry_pages_;
};

}  // namespace fanfold::detail
