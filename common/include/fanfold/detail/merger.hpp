// Merges sorted segments into one sorted stream.  Equal keys keep the order of their segments, and
// within a segment their own.  A tree of losers: one comparison a level for each record, mostly of
// eight-byte prefixes.

#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/bytes.hpp"
#include "fanfold/detail/user_code.hpp"

namespace fanfold::detail {

/// One encoded record, as it lies in a run block.
struct Record {
  std::string_view bytes;  // All of it.
  std::string_view key;
  std::string_view value;
};

/// Takes the record at the front of `block` apart.  False when it is malformed.
[[gnu::always_inline]] inline bool parse_record(std::string_view block, Record& record) {
  const char* const begin = block.data();
  const char* const end = begin + block.size();
  std::uint64_t key_size = 0;
  std::uint64_t value_size = 0;
  const char* at = get_varint(begin, end, key_size);
  if (at != nullptr) at = get_varint(at, end, value_size);
  if (at == nullptr) return false;
  const auto left = static_cast<std::uint64_t>(end - at);
  if (key_size > left || value_size > left - key_size) return false;
  record.key = {at, key_size};
  record.value = {at + key_size, value_size};
  record.bytes = {begin, static_cast<std::size_t>(at - begin) + key_size + value_size};
  return true;
}

inline bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_bytes(a.data(), b.data(), a.size());
}

class Merger {
 public:
  /// `ordered_values`: records of one key come in the order of their value bytes.
  Merger(std::vector<std::unique_ptr<abi::RunSource>> sources, bool ordered_values,
         abi::ProgressSlot& progress)
      : ordered_values_(ordered_values), progress_(progress) {
    heads_.resize(sources.size());
    for (std::size_t i = 0; i < sources.size(); ++i) {
      heads_[i].source = std::move(sources[i]);
      read(heads_[i]);
    }
    build();
  }

  bool at_end() const { return heads_.empty() || heads_[winner_].done; }
  /// The current record, good until advance().
  const Record& record() const { return heads_[winner_].record; }

  void advance() {
    read(heads_[winner_]);
    std::uint32_t runner = winner_;
    for (std::size_t node = (winner_ + heads_.size()) / 2; node > 0; node /= 2) {
      if (before(losers_[node], runner)) std::swap(losers_[node], runner);
    }
    winner_ = runner;
  }

 private:
  struct Head {
    std::uint64_t prefix = 0;
    bool done = false;
    Record record;
    std::string_view rest;  // Of the block.
    std::unique_ptr<abi::RunSource> source;
  };

  void read(Head& head) {
    if (head.rest.empty()) refill(head);
    if (head.done) return;
    if (!parse_record(head.rest, head.record)) {
      throw std::runtime_error("a sorted run holds a malformed record");
    }
    head.rest.remove_prefix(head.record.bytes.size());
    head.prefix = prefix_of(head.record.key.data(), head.record.key.size());
  }

  [[gnu::noinline]] void refill(Head& head) {
    const InHost in_host(progress_);
    head.rest = head.source->next();
    if (!head.rest.empty()) return;
    head.done = true;
    head.prefix = ~std::uint64_t{0};
    head.record = {};
    head.source.reset();  // Its buffers are memory of this task.
  }

  bool before(std::uint32_t a, std::uint32_t b) const {
    const std::uint64_t a_prefix = heads_[a].prefix;
    const std::uint64_t b_prefix = heads_[b].prefix;
    if (a_prefix != b_prefix) return a_prefix < b_prefix;
    return before_with_equal_prefix(heads_[a], heads_[b], a < b);
  }

  bool before_with_equal_prefix(const Head& a, const Head& b, bool a_comes_first) const {
    if (a.done || b.done) return !a.done || (b.done && a_comes_first);
    const std::string_view a_key = a.record.key;
    const std::string_view b_key = b.record.key;
    if (a_key.size() <= 8 && b_key.size() <= 8) {
      if (a_key.size() != b_key.size()) return a_key.size() < b_key.size();
    } else {
      const int order = compare_bytes(a_key.data(), a_key.size(), b_key.data(), b_key.size());
      if (order != 0) return order < 0;
    }
    if (ordered_values_) {
      const int order = a.record.value.compare(b.record.value);
      if (order != 0) return order < 0;
    }
    return a_comes_first;
  }

  /// Plays the first round: node i has the players 2i and 2i + 1, heads are the leaves behind.
  void build() {
    const std::size_t count = heads_.size();
    if (count == 0) return;
    losers_.assign(count, 0);
    std::vector<std::uint32_t> winners(2 * count);
    for (std::size_t i = 0; i < count; ++i) winners[count + i] = static_cast<std::uint32_t>(i);
    for (std::size_t node = count - 1; node > 0; --node) {
      const std::uint32_t left = winners[2 * node];
      const std::uint32_t right = winners[2 * node + 1];
      const bool left_wins = before(left, right);
      winners[node] = left_wins ? left : right;
      losers_[node] = left_wins ? right : left;
    }
    winner_ = winners[1];
  }

  std::vector<Head> heads_;
  std::vector<std::uint32_t> losers_;
  std::uint32_t winner_ = 0;
  const bool ordered_values_;
  abi::ProgressSlot& progress_;
};

/// The merged stream, cut into groups of equal keys.
class Groups {
 public:
  /// `key` outlives this: a host may still ask for it when an exception has ended the groups.
  Groups(Merger& merger, Bytes& key, abi::ProgressSlot& progress)
      : merger_(merger), key_(key), progress_(progress) {}

  /// Moves to the next key, past values that nobody took.  False at the end.
  bool next_group() {
    while (open_) skip();
    progress_.key_size.store(abi::ProgressSlot::kNoKey, std::memory_order_relaxed);
    if (merger_.at_end()) return false;
    key_.clear();
    key_.append(merger_.record().key);
    progress_.key.store(key_.data(), std::memory_order_relaxed);
    progress_.key_size.store(key_.size(), std::memory_order_relaxed);
    open_ = true;
    fresh_ = true;
    progress_.offset.store(ordinal_++, std::memory_order_relaxed);
    return true;
  }
  /// Of the current group; stays good until next_group().
  std::string_view key() const { return key_.view(); }

  /// The next value of the group, good until the next call.  False at its end.
  bool next_value(std::string_view& value) {
    if (!open_) return false;
    if (!fresh_) skip();
    if (!open_) return false;
    fresh_ = false;
    value = merger_.record().value;
    progress_.records.store(++values_, std::memory_order_relaxed);
    return true;
  }

 private:
  void skip() {
    merger_.advance();
    fresh_ = true;
    open_ = !merger_.at_end() && same_text(merger_.record().key, key_.view());
  }

  Merger& merger_;
  Bytes& key_;
  abi::ProgressSlot& progress_;
  bool open_ = false;   // The merger stands on a record of the group...
  bool fresh_ = false;  // ...that has not been given out.
  std::uint64_t ordinal_ = 0;
  std::uint64_t values_ = 0;
};

}  // namespace fanfold::detail
