// The map side of a job without a combiner: encoded records in large chunks, with a sixteen-byte
// entry each.  At the memory budget the entries are sorted — by partition, key, and then emission
// or value — and the records written as a run.

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
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/partitioner.hpp"
#include "fanfold/detail/passes.hpp"
#include "fanfold/detail/prefix_sort.hpp"
#include "fanfold/detail/run_writer.hpp"

namespace fanfold::detail {

/// Chunks of memory under one range of growing offsets, so that offsets are in emission order.
class RecordSpace {
 public:
  static constexpr unsigned kChunkBits = 21;
  static constexpr std::size_t kChunkBytes = std::size_t{1} << kChunkBits;

  /// Room for `bytes`, and its offset.
  std::pair<char*, std::uint64_t> allocate(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) next_piece(bytes);
    char* memory = std::exchange(at_, at_ + bytes);
    return {memory, first_ + static_cast<std::uint64_t>(memory - begin_)};
  }
  char* at(std::uint64_t offset) const {
    return chunks_[offset >> kChunkBits] + (offset & (kChunkBytes - 1));
  }
  /// Memory in use.
  std::size_t used() const { return first_ + static_cast<std::size_t>(at_ - begin_); }
  void rewind() {
    piece_ = 0;
    begin_ = at_ = end_ = nullptr;
    first_ = next_ = 0;
  }

 private:
  [[gnu::noinline]] void next_piece(std::size_t bytes) {
    for (; piece_ < pieces_.size() && pieces_[piece_].size() < bytes; ++piece_) {
      next_ += pieces_[piece_].size();
    }
    if (piece_ == pieces_.size()) {
      Pages piece((bytes + kChunkBytes - 1) >> kChunkBits << kChunkBits);
      for (std::size_t i = 0; i < piece.size(); i += kChunkBytes) {
        chunks_.push_back(piece.data() + i);
      }
      pieces_.push_back(std::move(piece));
    }
    begin_ = at_ = pieces_[piece_].data();
    end_ = begin_ + pieces_[piece_].size();
    first_ = next_;
    next_ += pieces_[piece_++].size();
  }

  std::vector<Pages> pieces_;
  std::vector<char*> chunks_;  // Where each chunk of the offset range lies.
  std::size_t piece_ = 0;      // The next one to use.
  char* begin_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::uint64_t first_ = 0;  // Offset of begin_.
  std::uint64_t next_ = 0;   // Offset of the next piece.
};

template <class Job>
class SortBuffer {
 public:
  using Traits = JobTraits<Job>;
  using Value = typename Traits::Value;
  using JobPair = Pair<Value>;

  SortBuffer(Job& job, abi::TaskHost& host, const abi::TaskSettings& settings,
             abi::ProgressSlot& progress)
      : host_(host),
        settings_(settings),
        progress_(progress),
        partition_(job, settings),
        passes_(job, host, settings, progress) {}

  void take(const JobPair* pairs, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view key(pairs[i].key, pairs[i].key_size);
      if constexpr (kPlainValue<Value>) {
        value_.clear();
        encode_value<Traits::kOrderValues>(pairs[i].value, value_);
        append(key, value_.view());
      } else {
        append(key, {pairs[i].value.data, pairs[i].value_size});
      }
    }
  }

  /// Writes the final run.
  void finish() {
    if (passes_.empty()) {
      write_run(abi::RunKind::kFinal);
      return;
    }
    spill();
    space_ = RecordSpace();
    pending_ = Pages();
    sorted_ = Pages();
    pending_capacity_ = 0;
    passes_.write_final();
  }

 private:
  /// Key sizes up to 8 are in the entry; 9 stands for anything larger.
  static constexpr unsigned kOffsetBits = 43;
  static constexpr unsigned kSizeBits = 4;
  static constexpr std::uint64_t kLongKey = 9;

  struct Entry {
    std::uint64_t prefix;
    std::uint64_t place;  // Partition, size, offset: most significant first.

    std::uint64_t offset() const { return place & ((std::uint64_t{1} << kOffsetBits) - 1); }
    std::size_t size() const { return place >> kOffsetBits & ((1u << kSizeBits) - 1); }
    std::uint32_t partition() const {
      return static_cast<std::uint32_t>(place >> (kOffsetBits + kSizeBits));
    }
  };

  struct Keys {
    const RecordSpace& space;

    Record record(const Entry& entry) const {
      // The space holds only what append() encoded.
      const char* at = space.at(entry.offset());
      const char* const begin = at;
      std::uint64_t key_size = 0;
      std::uint64_t value_size = 0;
      at = get_varint(at, at + kVarintBytesMax, key_size);
      at = get_varint(at, at + kVarintBytesMax, value_size);
      return {{begin, static_cast<std::size_t>(at - begin) + key_size + value_size},
              {at, key_size},
              {at + key_size, value_size}};
    }
    std::string_view key(const Entry& entry) const { return record(entry).key; }
    std::size_t size_hint(const Entry& entry) const { return entry.size(); }
    bool equal_keys_less(const Entry& a, const Entry& b) const {
      if constexpr (Traits::kOrderValues) {
        const int order = record(a).value.compare(record(b).value);
        if (order != 0) return order < 0;
      }
      return a.offset() < b.offset();
    }
  };

  void append(std::string_view key, std::string_view value) {
    const std::size_t bytes = key.size() + value.size() + 2 * kVarintBytesMax;
    if (count_ != 0 && used_bytes() + bytes > settings_.memory_bytes) spill();
    if (count_ == pending_capacity_) more_entries();
    const std::uint32_t partition = partition_(key);
    char header[2 * kVarintBytesMax];
    const char* header_end = put_varint(put_varint(header, key.size()), value.size());
    const auto header_size = static_cast<std::size_t>(header_end - header);
    const auto [begin, offset] = space_.allocate(header_size + key.size() + value.size());
    std::memcpy(begin, header, header_size);
    if (!key.empty()) std::memcpy(begin + header_size, key.data(), key.size());
    if (!value.empty()) std::memcpy(begin + header_size + key.size(), value.data(), value.size());
    const std::uint64_t size = key.size() <= 8 ? key.size() : kLongKey;
    pending_entries()[count_++] = {
        prefix_of(key.data(), key.size()),
        std::uint64_t{partition} << (kOffsetBits + kSizeBits) | size << kOffsetBits | offset};
  }

  /// Records, entries, and their sorted copy.
  std::size_t used_bytes() const { return space_.used() + 2 * count_ * sizeof(Entry); }

  Entry* pending_entries() const { return reinterpret_cast<Entry*>(pending_.data()); }

  [[gnu::noinline]] void more_entries() {
    const std::size_t capacity = pending_capacity_ == 0 ? 4096 : pending_capacity_ * 2;
    Pages grown(capacity * sizeof(Entry));
    if (count_ != 0) std::memcpy(grown.data(), pending_.data(), count_ * sizeof(Entry));
    pending_ = std::move(grown);
    pending_capacity_ = capacity;
  }

  void spill() {
    if (count_ == 0) return;
    write_run(abi::RunKind::kSpill);
    passes_.add_spill();
    space_.rewind();
    count_ = 0;
  }

  void write_run(abi::RunKind kind) {
    RunWriter out(host_, kind, progress_);
    const Entry* entries = sort_entries();
    const Keys keys{space_};
    for (std::size_t i = 0; i < count_; ++i) {
      if (i + kLookAhead < count_) __builtin_prefetch(space_.at(entries[i + kLookAhead].offset()));
      out.write(entries[i].partition(), keys.record(entries[i]).bytes);
    }
    out.finish();
  }

  /// First by partition, with one counting pass; then each partition by its keys.
  const Entry* sort_entries() {
    const Keys keys{space_};
    const PrefixSort<Entry, Keys> sorter(keys);
    Entry* const entries = pending_entries();
    if (settings_.partitions <= 1) {
      sorter.sort(entries, entries + count_);
      return entries;
    }
    std::vector<std::size_t> ends(settings_.partitions, 0);
    for (std::size_t i = 0; i < count_; ++i) ++ends[entries[i].partition()];
    std::size_t begin = 0;
    for (std::size_t& end : ends) begin += std::exchange(end, begin);
    if (sorted_.size() < count_ * sizeof(Entry)) {
      sorted_ = Pages();
      sorted_ = Pages(pending_capacity_ * sizeof(Entry));
    }
    Entry* const sorted = reinterpret_cast<Entry*>(sorted_.data());
    for (std::size_t i = 0; i < count_; ++i) {
      sorted[ends[entries[i].partition()]++] = entries[i];
    }
    std::size_t first = 0;
    for (const std::size_t end : ends) {
      sorter.sort(sorted + first, sorted + end);
      first = end;
    }
    return sorted;
  }

  static constexpr std::size_t kLookAhead = 8;

  abi::TaskHost& host_;
  const abi::TaskSettings& settings_;
  abi::ProgressSlot& progress_;
  Partitioner<Job> partition_;
  Passes<Job> passes_;

  RecordSpace space_;
  Bytes value_;
  Pages pending_;  // Entries as they came.
  std::size_t pending_capacity_ = 0;
  std::size_t count_ = 0;
  Pages sorted_;
};

}  // namespace fanfold::detail
