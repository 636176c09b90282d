// Looks through much memory for little: a literal, or how many bytes of one kind there are.  Which
// instructions the processor has is asked at run time; each way gives the same answers.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace fanfold::detail {

inline constexpr std::size_t kNotFound = static_cast<std::size_t>(-1);

/// The ways to scan, best last; tests try each that there is.
enum class Scan : std::uint8_t { kPortable, kSse2, kAvx2 };

inline Scan best_scan() {
#ifdef __x86_64__
  static const bool avx2 = __builtin_cpu_supports("avx2") != 0;
  return avx2 ? Scan::kAvx2 : Scan::kSse2;
#else
  return Scan::kPortable;
#endif
}

#ifdef __x86_64__

/// The first place in [at, last) where the literal is; its first and last byte lie `span` apart.
/// Reads no further than last + 16 + span.
inline const char* find_sse2(const char* at, const char* last, std::string_view literal) {
  const std::size_t span = literal.size() - 1;
  const __m128i first = _mm_set1_epi8(literal.front());
  const __m128i second = _mm_set1_epi8(literal.back());
  for (; at < last; at += 16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + span));
    const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, second));
    for (auto found = static_cast<unsigned>(_mm_movemask_epi8(both)); found != 0;
         found &= found - 1) {
      const char* const place = at + __builtin_ctz(found);
      if (std::memcmp(place, literal.data(), literal.size()) == 0) return place;
    }
  }
  return nullptr;
}

[[gnu::target("avx2")]] inline const char* find_avx2(const char* at, const char* last,
                                                     std::string_view literal) {
  const std::size_t span = literal.size() - 1;
  const __m256i first = _mm256_set1_epi8(literal.front());
  const __m256i second = _mm256_set1_epi8(literal.back());
  for (; at < last; at += 32) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + span));
    const __m256i both =
        _mm256_and_si256(_mm256_cmpeq_epi8(a, first), _mm256_cmpeq_epi8(b, second));
    for (auto found = static_cast<unsigned>(_mm256_movemask_epi8(both)); found != 0;
         found &= found - 1) {
      const char* const place = at + __builtin_ctz(found);
      if (std::memcmp(place, literal.data(), literal.size()) == 0) return place;
    }
  }
  return nullptr;
}

/// Of 32 * rows bytes; at most 255 rows.
[[gnu::target("avx2")]] inline std::size_t count_rows_avx2(const char* at, std::size_t rows,
                                                           char byte) {
  const __m256i wanted = _mm256_set1_epi8(byte);
  __m256i counts = _mm256_setzero_si256();
  for (std::size_t row = 0; row < rows; ++row, at += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    counts = _mm256_sub_epi8(counts, _mm256_cmpeq_epi8(bytes, wanted));
  }
  const __m256i sums = _mm256_sad_epu8(counts, _mm256_setzero_si256());
  return static_cast<std::size_t>(_mm256_extract_epi64(sums, 0) + _mm256_extract_epi64(sums, 1) +
                                  _mm256_extract_epi64(sums, 2) + _mm256_extract_epi64(sums, 3));
}

inline std::size_t count_rows_sse2(const char* at, std::size_t rows, char byte) {
  const __m128i wanted = _mm_set1_epi8(byte);
  __m128i counts = _mm_setzero_si128();
  for (std::size_t row = 0; row < rows; ++row, at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    counts = _mm_sub_epi8(counts, _mm_cmpeq_epi8(bytes, wanted));
  }
  const __m128i sums = _mm_sad_epu8(counts, _mm_setzero_si128());
  return static_cast<std::size_t>(_mm_cvtsi128_si64(sums) +
                                  _mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums)));
}

#endif  // __x86_64__

/// Where the literal, which is not empty, first stands in `text`; kNotFound when it does not.
inline std::size_t find_literal(std::string_view text, std::string_view literal,
                                Scan scan = best_scan()) {
  std::size_t done = 0;
#ifdef __x86_64__
  const std::size_t step = scan == Scan::kAvx2 ? 32 : 16;
  if (scan != Scan::kPortable && text.size() >= literal.size() + step) {
    // Whole steps that read within the text; the rest is looked at as everywhere.
    done = (text.size() - literal.size() + 1) / step * step;
    const char* const last = text.data() + done;
    const char* const place = scan == Scan::kAvx2 ? find_avx2(text.data(), last, literal)
                                                  : find_sse2(text.data(), last, literal);
    if (place != nullptr) return static_cast<std::size_t>(place - text.data());
  }
#else
  static_cast<void>(scan);
#endif
  const std::size_t found = text.find(literal, done);
  return found == std::string_view::npos ? kNotFound : found;
}

inline std::size_t count_byte(std::string_view text, char byte, Scan scan = best_scan()) {
  std::size_t count = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
#ifdef __x86_64__
  if (scan != Scan::kPortable) {
    const std::size_t width = scan == Scan::kAvx2 ? 32 : 16;
    for (std::size_t rows = 0; static_cast<std::size_t>(end - at) >= width; at += rows * width) {
      rows = static_cast<std::size_t>(end - at) / width;
      if (rows > 255) rows = 255;  // What a byte can count.
      count +=
          scan == Scan::kAvx2 ? count_rows_avx2(at, rows, byte) : count_rows_sse2(at, rows, byte);
    }
  }
#else
  static_cast<void>(scan);
#endif
  for (; at != end; ++at) count += *at == byte ? 1 : 0;
  return count;
}

}  // namespace fanfold::detail
