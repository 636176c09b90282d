// Keys of up to sixteen bytes as two numbers: loaded, compared and hashed without a loop or branch.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fanfold/bytes.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fanfold::detail {

inline constexpr std::size_t kShortKeyBytes = 16;

/// The bytes in memory order, padded with zeros.
struct ShortKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// Loading from kShortKeyMasks + 16 - n gives a mask of n bytes.
inline constexpr unsigned char kShortKeyMasks[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                     255, 255, 255, 255, 255, 255, 255, 255};

inline ShortKey load_short_key(const char* from, std::size_t size) {
  ShortKey key;
#ifdef __SSE2__
  if (may_overread(from, kShortKeyBytes)) [[likely]] {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i mask =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(kShortKeyMasks + kShortKeyBytes - size));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(&key), _mm_and_si128(bytes, mask));
    return key;
  }
#endif
  if (size != 0) std::memcpy(&key, from, size);
  return key;
}

__extension__ typedef unsigned __int128 Uint128;

/// For tables only: the hash that decides about partitions is hash.hpp's.
inline std::uint64_t hash_short_key(const ShortKey& key, std::size_t size) {
  const auto product =
      static_cast<Uint128>(key.low ^ size ^ 0xa0761d6478bd642fu) * (key.high ^ 0xe7037ed1a0b428dbu);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// The same for keys that are longer.
inline std::uint64_t hash_long_key(const char* from, std::size_t size) {
  ShortKey key;
  std::uint64_t mixed = size;
  const char* const last = from + size - kShortKeyBytes;
  for (; from < last; from += kShortKeyBytes) {
    std::memcpy(&key, from, sizeof key);
    mixed = hash_short_key({key.low ^ mixed, key.high}, size);
  }
  std::memcpy(&key, last, sizeof key);
  return hash_short_key({key.low ^ mixed, key.high}, size);
}

}  // namespace fanfold::detail
