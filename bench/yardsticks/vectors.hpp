// The AVX-512 operations that the yardsticks use, spelled in AVX2 for processors without
// AVX-512, so that the ruler also runs (nearly as fast) there.  Nothing to do where they exist.

#pragma once

#include <immintrin.h>

#if !defined(__AVX512BW__) || !defined(__AVX512VL__)

#include <cstdint>
#include <cstring>

struct Wide {
  __m256i low, high;
};
#define __m512i Wide
#define _mm512_set1_epi8 wide_set1_epi8
#define _mm512_loadu_si512 wide_loadu_si512
#define _mm512_sub_epi8 wide_sub_epi8
#define _mm512_cmpeq_epi8_mask wide_cmpeq_epi8_mask
#define _mm512_mask_cmpeq_epi8_mask wide_mask_cmpeq_epi8_mask
#define _mm512_cmple_epu8_mask wide_cmple_epu8_mask
#define _mm512_maskz_loadu_epi8 wide_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8 wide_half_maskz_loadu_epi8

inline Wide wide_set1_epi8(char c) { return {_mm256_set1_epi8(c), _mm256_set1_epi8(c)}; }
inline Wide wide_loadu_si512(const void* p) {
  const auto* words = static_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(words), _mm256_loadu_si256(words + 1)};
}
inline Wide wide_sub_epi8(Wide a, Wide b) {
  return {_mm256_sub_epi8(a.low, b.low), _mm256_sub_epi8(a.high, b.high)};
}
inline std::uint64_t wide_mask(__m256i low, __m256i high) {
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
         static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm256_movemask_epi8(high))) << 32;
}
inline std::uint64_t wide_cmpeq_epi8_mask(Wide a, Wide b) {
  return wide_mask(_mm256_cmpeq_epi8(a.low, b.low), _mm256_cmpeq_epi8(a.high, b.high));
}
inline std::uint64_t wide_mask_cmpeq_epi8_mask(std::uint64_t of, Wide a, Wide b) {
  return of & wide_cmpeq_epi8_mask(a, b);
}
inline std::uint64_t wide_cmple_epu8_mask(Wide a, Wide b) {
  return wide_mask(_mm256_cmpeq_epi8(_mm256_min_epu8(a.low, b.low), a.low),
                   _mm256_cmpeq_epi8(_mm256_min_epu8(a.high, b.high), a.high));
}
// Both masks that occur are "the first n bytes".
inline Wide wide_maskz_loadu_epi8(std::uint64_t mask, const void* p) {
  alignas(32) char bytes[64] = {};
  std::memcpy(bytes, p, static_cast<std::size_t>(__builtin_popcountll(mask)));
  return wide_loadu_si512(bytes);
}
inline __m128i wide_half_maskz_loadu_epi8(std::uint32_t mask, const void* p) {
  alignas(16) static constexpr unsigned char kKeep[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                          255, 255, 255, 255, 255, 255, 255, 255};
  const int n = __builtin_popcount(mask);
  const auto* words = static_cast<const __m128i*>(p);
  // A load that stays within one page cannot fault, whatever lies behind the bytes wanted.
  if ((reinterpret_cast<std::uintptr_t>(p) & 4095) <= 4096 - 16) {
    const __m128i keep = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kKeep + 16 - n));
    return _mm_and_si128(_mm_loadu_si128(words), keep);
  }
  alignas(16) char bytes[16] = {};
  std::memcpy(bytes, p, static_cast<std::size_t>(n));
  return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
}

#endif
