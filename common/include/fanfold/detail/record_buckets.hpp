// Encoded records in many buckets at once, each in the order of arrival.  A bucket is a list of
// chunks out of one region; sorting and writing it then stays within the processor's caches,
// however much there is in all.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/bytes.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/region.hpp"

namespace fanfold::detail {

class RecordBuckets {
 public:
  /// Bytes that one chunk may have at most, unless one record is larger.
  static constexpr std::size_t kLargestChunk = 16u << 10;

  void open(Region region) { region_ = std::move(region); }
  Region close() {
    heads_.clear();
    chunks_.clear();
    return std::move(region_);
  }

  /// Forgets all records and goes on with so many buckets.
  void reset(std::size_t buckets) {
    region_.rewind();
    start(buckets);
    records_ = 0;
    largest_ = 0;
  }

  std::size_t count() const { return heads_.size(); }
  std::uint64_t records() const { return records_; }
  std::uint64_t records(std::size_t bucket) const { return heads_[bucket].records; }
  /// Of the bucket that has most.
  std::uint64_t largest() const { return largest_; }
  /// Memory in use.
  std::size_t used() const { return region_.used(); }
  /// Below all records: their distance from it ascends with their arrival.
  const char* base() const { return region_.begin(); }
  /// Whether a record of `bytes` needs more memory for the bucket.
  bool full(std::size_t bucket, std::size_t bytes) const { return heads_[bucket].left < bytes; }

  void append(std::size_t bucket, std::string_view key, std::string_view value) {
    Head& head = room(bucket, key.size() + value.size() + 2 * kVarintBytesMax);
    char* to = put_varint(head.at, key.size());
    to = put_varint(to, value.size());
    to = copy_bytes(to, key.data(), key.size());
    advance(head, copy_bytes(to, value.data(), value.size()));
  }
  void append(std::size_t bucket, std::string_view record) {
    Head& head = room(bucket, record.size());
    advance(head, copy_bytes(head.at, record.data(), record.size()));
  }

  /// Calls visit(record) for the records of a bucket, in the order of arrival.
  template <class Visit>
  void for_each(std::size_t bucket, Visit&& visit) const {
    for (const Chunk& chunk : chunks_[bucket].list) {
      // The chunk that is being filled ends where its head stands.
      const char* end = chunk.end != nullptr ? chunk.end : heads_[bucket].at;
      for (const char* at = chunk.begin; at != end;) {
        const Record record = record_at(at);
        at += record.bytes.size();
        visit(record);
      }
    }
  }

  /// Moves all records into `buckets` others; choose(record) says which.
  template <class Choose>
  void redistribute(std::size_t buckets, Choose&& choose) {
    RecordBuckets before;
    before.heads_ = std::move(heads_);
    before.chunks_ = std::move(chunks_);
    start(buckets);
    records_ = 0;
    largest_ = 0;
    for (std::size_t bucket = 0; bucket < before.count(); ++bucket) {
      before.for_each(bucket,
                      [&](const Record& record) { append(choose(bucket, record), record.bytes); });
    }
  }

  /// The record that append() encoded there.
  [[gnu::always_inline]] static Record record_at(const char* at) {
    const char* const begin = at;
    std::uint64_t key_size = 0;
    std::uint64_t value_size = 0;
    at = get_varint(at, at + kVarintBytesMax, key_size);
    at = get_varint(at, at + kVarintBytesMax, value_size);
    return {{begin, static_cast<std::size_t>(at - begin) + key_size + value_size},
            {at, key_size},
            {at + key_size, value_size}};
  }

 private:
  static constexpr std::size_t kSmallestChunk = 256;

  /// All heads together should fit the first-level cache.
  struct Head {
    char* at = nullptr;
    std::uint32_t left = 0;  // Bytes of the chunk.
    std::uint32_t records = 0;
  };
  struct Chunk {
    const char* begin = nullptr;
    const char* end = nullptr;  // Null: not full yet.
  };
  struct Chunks {
    std::vector<Chunk> list;
    std::size_t bytes = 0;
  };

  void start(std::size_t buckets) {
    heads_.assign(buckets, Head());
    chunks_.resize(buckets);
    for (Chunks& chunks : chunks_) {
      chunks.list.clear();
      chunks.bytes = 0;
    }
  }

  Head& room(std::size_t bucket, std::size_t bytes) {
    Head& head = heads_[bucket];
    if (head.left < bytes) [[unlikely]]
      next_chunk(bucket, bytes);
    ++records_;
    if (++head.records > largest_) largest_ = head.records;
    return head;
  }
  static void advance(Head& head, char* to) {
    head.left -= static_cast<std::uint32_t>(to - head.at);
    head.at = to;
  }

  [[gnu::noinline]] void next_chunk(std::size_t bucket, std::size_t bytes) {
    Head& head = heads_[bucket];
    Chunks& chunks = chunks_[bucket];
    // Few records must not cost much when there are many buckets.
    std::size_t size = std::clamp(chunks.bytes, kSmallestChunk, kLargestChunk);
    if (size < bytes) size = bytes;
    if (!chunks.list.empty()) chunks.list.back().end = head.at;
    head.at = region_.allocate(size);
    head.left = static_cast<std::uint32_t>(size);
    chunks.bytes += size;
    chunks.list.push_back({head.at, nullptr});
  }

  Region region_;
  std::vector<Head> heads_;
  std::vector<Chunks> chunks_;
  std::uint64_t records_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace fanfold::detail
