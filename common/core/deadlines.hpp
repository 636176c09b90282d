// When something must be looked at again: at most one moment per key, ordered by time, then key.
// Knows no clock; whoever asks brings the time.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "common/core/time.hpp"

namespace fanfold {

template <class Key>
class Deadlines {
 public:
  /// Replaces the key's earlier moment.
  void set(const Key& key, Instant when) {
    const auto [it, inserted] = when_.try_emplace(key, when);
    if (!inserted) {
      if (it->second == when) return;
      order_.erase({it->second, key});
      it->second = when;
    }
    order_.emplace(when, key);
  }

  void clear(const Key& key) {
    const auto it = when_.find(key);
    if (it == when_.end()) return;
    order_.erase({it->second, key});
    when_.erase(it);
  }

  std::optional<Instant> find(const Key& key) const {
    const auto it = when_.find(key);
    if (it == when_.end()) return std::nullopt;
    return it->second;
  }

  bool contains(const Key& key) const { return when_.count(key) > 0; }

  /// The earliest key whose moment has come; it stays until cleared or set anew.
  std::optional<Key> due(Instant now) const {
    if (order_.empty() || order_.begin()->first > now) return std::nullopt;
    return order_.begin()->second;
  }

  std::optional<Instant> first() const {
    if (order_.empty()) return std::nullopt;
    return order_.begin()->first;
  }

  /// The earliest moment later than `now`: what is overdue waits for an event, not for time.
  std::optional<Instant> first_after(Instant now) const {
    const auto it = order_.lower_bound({now + Duration(1), Key{}});
    if (it == order_.end()) return std::nullopt;
    return it->first;
  }

  using Order = std::set<std::pair<Instant, Key>>;
  const Order& order() const { return order_; }

 private:
  std::map<Key, Instant> when_;
  Order order_;
};

}  // namespace fanfold
