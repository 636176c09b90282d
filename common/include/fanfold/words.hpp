// words(text): the words of a text, separated by ASCII white space.  A cheap range of views: no
// copies, no allocation, sixteen bytes examined at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "fanfold/bytes.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fanfold {

namespace detail {

/// Space, TAB, LF, VT, FF, CR.
constexpr bool is_space(char c) {
  return c == ' ' || static_cast<unsigned char>(c - '\t') <= '\r' - '\t';
}

inline constexpr std::size_t kWordBlock = 64;

/// Bit i is set when byte i is no white space.
inline std::uint64_t word_mask_of_block(const char* block) {
#ifdef __SSE2__
  const __m128i space = _mm_set1_epi8(' ');
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i controls = _mm_set1_epi8('\r' - '\t');
  std::uint64_t spaces = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + i);
    const __m128i shifted = _mm_sub_epi8(bytes, tab);
    const __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, space),
                                       _mm_cmpeq_epi8(_mm_min_epu8(shifted, controls), shifted));
    spaces |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(found)))
              << (16 * i);
  }
  return ~spaces;
#else
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < kWordBlock; ++i) {
    mask |= static_cast<std::uint64_t>(!is_space(block[i])) << i;
  }
  return mask;
#endif
}

}  // namespace detail

class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;

    explicit iterator(std::string_view text)
        : block_(text.data()), end_(text.data() + text.size()) {
      load();
      ++*this;
    }

    std::string_view operator*() const { return word_; }
    bool operator==(std::default_sentinel_t) const { return word_.data() == nullptr; }

    iterator& operator++() {
      while (mask_ == 0) {
        if (static_cast<std::size_t>(end_ - block_) <= detail::kWordBlock) {
          word_ = {};
          return *this;
        }
        block_ += detail::kWordBlock;
        load();
      }
      const auto first = static_cast<unsigned>(__builtin_ctzll(mask_));
      const std::uint64_t after = mask_ + (mask_ & -mask_);  // The carry runs through the word.
      const char* begin = block_ + first;
      if (after == 0) [[unlikely]] {
        take_long_word(begin);
        return *this;
      }
      mask_ &= after;
      const auto stop = static_cast<unsigned>(__builtin_ctzll(after));
      word_ = std::string_view(begin, stop - first);
      return *this;
    }
    void operator++(int) { ++*this; }

   private:
    void load() {
      const std::size_t left = static_cast<std::size_t>(end_ - block_);
      if (left >= detail::kWordBlock) {
        mask_ = detail::word_mask_of_block(block_);
      } else {
        mask_ = tail_mask(left);
      }
    }

    std::uint64_t tail_mask(std::size_t left) const {
      if (left == 0) return 0;
      const std::uint64_t ours = (std::uint64_t{1} << left) - 1;
      if (detail::may_overread(block_, detail::kWordBlock)) {
        return detail::word_mask_of_block(block_) & ours;
      }
      char padded[detail::kWordBlock];
      std::memcpy(padded, block_, left);
      return detail::word_mask_of_block(padded) & ours;
    }

    /// The word reaches the end of the block; perhaps it goes on in the next ones.
    [[gnu::noinline]] void take_long_word(const char* begin) {
      mask_ = 0;
      while (static_cast<std::size_t>(end_ - block_) > detail::kWordBlock) {
        block_ += detail::kWordBlock;
        load();
        if (~mask_ != 0) {
          const auto stop = static_cast<unsigned>(__builtin_ctzll(~mask_));
          mask_ &= mask_ + 1;
          word_ = std::string_view(begin, static_cast<std::size_t>(block_ + stop - begin));
          return;
        }
        mask_ = 0;
      }
      word_ = std::string_view(begin, static_cast<std::size_t>(end_ - begin));
    }

    const char* block_;
    const char* end_;
    std::uint64_t mask_ = 0;  // Bytes of words in the block that are not yet taken.
    std::string_view word_;
  };

  iterator begin() const { return iterator(text_); }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::string_view text_;
};

/// The words of `text`, in order.  They are views into it.
inline Words words(std::string_view text) { return Words(text); }

}  // namespace fanfold
