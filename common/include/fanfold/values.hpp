// The values of one key, streamed: a group may be larger than memory.
//
//   for (std::string_view page : pages) ...          // once, front to back
//   fanfold::sum(counts)   count   min   max   first   collect
//
// A value that is or holds a std::string_view is good until the next one is read; the functions
// below return copies.  Values that reduce() leaves are skipped.

#pragma once

#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "fanfold/detail/merger.hpp"
#include "fanfold/key_codec.hpp"
#include "fanfold/value_codec.hpp"

namespace fanfold {

template <class V>
class Values {
 public:
  /// Small values are given out by value, others by reference.
  using Reference =
      std::conditional_t<std::is_trivially_copyable_v<V> && sizeof(V) <= 16, V, const V&>;

  Values(detail::Groups& groups, bool ordered) : groups_(groups), ordered_(ordered) {}
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;

  class iterator {
   public:
    using value_type = V;
    using difference_type = std::ptrdiff_t;
    explicit iterator(Values* values) : values_(values) {}
    Reference operator*() const { return values_->current_; }
    iterator& operator++() {
      values_->next();
      return *this;
    }
    void operator++(int) { values_->next(); }
    bool operator==(std::default_sentinel_t) const { return !values_->present_; }

   private:
    Values* values_;
  };

  /// Reads the first of the values that have not been read yet.
  iterator begin() {
    next();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

  /// Reads the next value; false when there is none.  current() returns it.
  bool next() {
    std::string_view bytes;
    present_ = groups_.next_value(bytes);
    if (present_ && !decode(bytes)) {
      throw std::runtime_error(
          "a value of the map output does not decode: was it written by another job?");
    }
    return present_;
  }
  Reference current() const { return current_; }

 private:
  bool decode(std::string_view bytes) {
    scratch_.reset();
    if constexpr (KeyEncodable<V>) {
      if (ordered_) return decode_value<true>(bytes, current_, scratch_);
    }
    return decode_value(bytes, current_, scratch_);
  }

  detail::Groups& groups_;
  const bool ordered_;
  bool present_ = false;
  V current_{};
  Scratch scratch_;
};

namespace detail {

/// A V that outlives the record it was read from.
template <class V>
struct OwnedType {
  static_assert(!kHasView<V>,
                "fanfold: values with views inside cannot be kept; use std::string in them");
  using Type = V;
};
template <>
struct OwnedType<std::string_view> {
  using Type = std::string;
};
template <class V>
using Owned = typename OwnedType<V>::Type;

template <class V, class Better>
Owned<V> best(Values<V>& values, Better better) {
  if (!values.next()) throw std::logic_error("no value of this key is left to choose from");
  Owned<V> chosen(values.current());
  while (values.next()) {
    if (better(values.current(), chosen)) chosen = Owned<V>(values.current());
  }
  return chosen;
}

}  // namespace detail

/// Zero when there are none.
template <class V>
V sum(Values<V>& values) {
  V total{};
  while (values.next()) total = static_cast<V>(total + values.current());
  return total;
}

template <class V>
std::uint64_t count(Values<V>& values) {
  std::uint64_t total = 0;
  while (values.next()) ++total;
  return total;
}

/// min, max and first throw when no value is left.
template <class V>
detail::Owned<V> min(Values<V>& values) {
  return detail::best(values, [](const auto& a, const auto& b) { return a < b; });
}
template <class V>
detail::Owned<V> max(Values<V>& values) {
  return detail::best(values, [](const auto& a, const auto& b) { return b < a; });
}
template <class V>
detail::Owned<V> first(Values<V>& values) {
  if (!values.next()) throw std::logic_error("no value of this key is left");
  return detail::Owned<V>(values.current());
}

/// All of them: only for groups that fit into memory.
template <class V>
std::vector<detail::Owned<V>> collect(Values<V>& values) {
  std::vector<detail::Owned<V>> all;
  while (values.next()) all.emplace_back(values.current());
  return all;
}

}  // namespace fanfold
