// Sorts entries that stand for byte strings.  Each entry carries eight bytes of its key, so most of
// the work never touches the keys: a radix pass splits by the first byte in which prefixes differ,
// small groups are compared, and a group whose prefixes are all equal loads the next eight bytes.

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

#include "fanfold/bytes.hpp"

namespace fanfold::detail {

/// Keys gives access: `std::string_view key(const Entry&)`, `std::size_t size_hint(const Entry&)`
/// (exact up to 8, above that anything larger), `bool equal_keys_less(const Entry&, const Entry&)`
/// (order of entries with one key: total).  Entries have a `prefix`, lost by sorting.
template <class Entry, class Keys>
class PrefixSort {
 public:
  explicit PrefixSort(const Keys& keys) : keys_(keys) {}

  void sort(Entry* first, Entry* last) const { split(first, last, 0); }

  /// The same with room for as many entries at `spare`: returns where the sorted ones are, there or
  /// where they were.
  Entry* sort(Entry* first, Entry* last, Entry* spare) const {
    if (last - first <= kScatterLeast) {
      split(first, last, 0);
      return first;
    }
    std::uint64_t least = first->prefix;
    std::uint64_t greatest = first->prefix;
    for (const Entry* entry = first + 1; entry != last; ++entry) {
      least = std::min(least, entry->prefix);
      greatest = std::max(greatest, entry->prefix);
    }
    const int shift =
        std::max(0, static_cast<int>(std::bit_width(greatest - least)) - kScatterBits);
    scatter(first, last, spare, least, shift);
    return spare;
  }

 private:
  static constexpr std::ptrdiff_t kSmall = 48;
  static constexpr std::ptrdiff_t kScatterLeast = 256;
  static constexpr int kScatterBits = 11;

  /// One pass by what distinguishes most: groups of a few are left.
  void scatter(const Entry* first, const Entry* last, Entry* to, std::uint64_t least,
               int shift) const {
    std::uint32_t ends[(1u << kScatterBits) + 1] = {};
    for (const Entry* entry = first; entry != last; ++entry) {
      ++ends[((entry->prefix - least) >> shift) + 1];
    }
    for (std::size_t i = 1; i < std::size(ends); ++i) ends[i] += ends[i - 1];
    // From here on ends[i] is where the next entry of group i goes: in the end, its end.
    for (const Entry* entry = first; entry != last; ++entry) {
      to[ends[(entry->prefix - least) >> shift]++] = *entry;
    }
    std::uint32_t begin = 0;
    for (const std::uint32_t end : ends) {
      if (end - begin > 1) split(to + begin, to + end, 0);
      begin = end;
    }
  }

  /// All keys of the range agree in their first `depth` bytes and are longer than that (or depth is
  /// 0); prefixes hold what follows.
  void split(Entry* first, Entry* last, std::size_t depth) const {
    if (last - first <= kSmall) {
      sort_small(first, last, depth);
      return;
    }
    std::uint64_t differing = 0;
    for (const Entry* entry = first + 1; entry != last; ++entry) {
      differing |= entry->prefix ^ first->prefix;
    }
    if (differing == 0) {
      go_deeper(first, last, depth);
      return;
    }
    const int top = 63 - std::countl_zero(differing);
    radix_pass(first, last, depth, top < 7 ? 0 : top - 7);
  }

  /// American flag sort on eight bits: in place, each entry moves about once.
  void radix_pass(Entry* first, Entry* last, std::size_t depth, int shift) const {
    std::size_t counts[256] = {};
    for (const Entry* entry = first; entry != last; ++entry) ++counts[digit(*entry, shift)];
    Entry* heads[256];
    Entry* tails[256];
    Entry* at = first;
    for (int i = 0; i < 256; ++i) {
      heads[i] = at;
      at += counts[i];
      tails[i] = at;
    }
    for (int i = 0; i < 256; ++i) {
      while (heads[i] != tails[i]) {
        Entry moving = *heads[i];
        for (unsigned to = digit(moving, shift); to != static_cast<unsigned>(i);
             to = digit(moving, shift)) {
          std::swap(moving, *heads[to]++);
        }
        *heads[i]++ = moving;
      }
    }
    for (int i = 0; i < 256; ++i) {
      if (counts[i] > 1) split(tails[i] - counts[i], tails[i], depth);
    }
  }

  static unsigned digit(const Entry& entry, int shift) {
    return static_cast<unsigned>(entry.prefix >> shift) & 0xff;
  }

  /// All prefixes are equal: keys that end here come first, shorter before longer.
  void go_deeper(Entry* first, Entry* last, std::size_t depth) const {
    const std::size_t next = depth + 8;
    Entry* longer = std::partition(
        first, last, [&](const Entry& entry) { return size_of(entry, depth) <= next; });
    std::sort(first, longer, [&](const Entry& a, const Entry& b) {
      const std::size_t a_size = size_of(a, depth);
      const std::size_t b_size = size_of(b, depth);
      return a_size != b_size ? a_size < b_size : keys_.equal_keys_less(a, b);
    });
    if (longer == last) return;
    if (all_equal(longer, last)) {
      std::sort(longer, last,
                [&](const Entry& a, const Entry& b) { return keys_.equal_keys_less(a, b); });
      return;
    }
    for (Entry* entry = longer; entry != last; ++entry) {
      const std::string_view key = keys_.key(*entry);
      entry->prefix = prefix_of(key.data() + next, key.size() - next);
    }
    split(longer, last, next);
  }

  /// Many entries of one long key are common; finding out early saves a pass for every 8 bytes.
  bool all_equal(const Entry* first, const Entry* last) const {
    const std::string_view key = keys_.key(*first);
    return std::all_of(first + 1, last,
                       [&](const Entry& entry) { return keys_.key(entry) == key; });
  }

  std::size_t size_of(const Entry& entry, std::size_t depth) const {
    return depth == 0 ? keys_.size_hint(entry) : keys_.key(entry).size();
  }

  void sort_small(Entry* first, Entry* last, std::size_t depth) const {
    std::sort(first, last, [&](const Entry& a, const Entry& b) {
      if (a.prefix != b.prefix) return a.prefix < b.prefix;
      if (depth == 0) {
        const std::size_t a_size = keys_.size_hint(a);
        const std::size_t b_size = keys_.size_hint(b);
        if (a_size <= 8 && b_size <= 8) {
          return a_size != b_size ? a_size < b_size : keys_.equal_keys_less(a, b);
        }
      }
      const std::string_view a_key = keys_.key(a);
      const std::string_view b_key = keys_.key(b);
      const int order = compare_bytes(a_key.data(), a_key.size(), b_key.data(), b_key.size());
      return order != 0 ? order < 0 : keys_.equal_keys_less(a, b);
    });
  }

  const Keys& keys_;
};

}  // namespace fanfold::detail
