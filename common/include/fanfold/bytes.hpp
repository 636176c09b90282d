// A growing byte buffer and the number encodings that runs and codecs are made of.
// Authors of their own codecs use Bytes; nobody else needs this file.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfold {

/// Bytes appended one after the other.  Growing does not initialise, clearing does not free.
class Bytes {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  Bytes& operator=(Bytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~Bytes() { std::free(data_); }

  const char* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data_, size_}; }

  void clear() { size_ = 0; }
  /// Forgets everything after the first `size` bytes.
  void truncate(std::size_t size) { size_ = size; }

  void append(const char* bytes, std::size_t count);
  void append(std::string_view bytes) { append(bytes.data(), bytes.size()); }
  [[gnu::always_inline]] void push_back(char byte) {
    *room(1) = byte;
    ++size_;
  }

  /// Space for `count` more bytes behind the last one; commit() says how many were used.
  [[gnu::always_inline]] char* room(std::size_t count) {
    if (capacity_ - size_ < count) [[unlikely]]
      grow(count);
    return data_ + size_;
  }
  void commit(std::size_t count) { size_ += count; }

 private:
  [[gnu::noinline]] void grow(std::size_t count) {
    std::size_t wanted = capacity_ < 64 ? 128 : capacity_ * 2;
    if (wanted < size_ + count) wanted = size_ + count;
    void* grown = std::realloc(data_, wanted);
    if (grown == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(grown);
    capacity_ = wanted;
  }

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Keeps the few bytes that a decoded view cannot borrow from its record (unescaped strings).
/// They stay where they are until reset().
class Scratch {
 public:
  char* allocate(std::size_t count) {
    pieces_.push_back(std::make_unique<char[]>(count));
    return pieces_.back().get();
  }
  void reset() {
    if (!pieces_.empty()) pieces_.clear();
  }

 private:
  std::vector<std::unique_ptr<char[]>> pieces_;
};

namespace detail {

inline constexpr std::size_t kVarintBytesMax = 10;

/// Seven bits a byte, lowest first, high bit set on all but the last.  Returns the end.
[[gnu::always_inline]] inline char* put_varint(char* to, std::uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}

constexpr std::size_t varint_size(std::uint64_t value) {
  std::size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

inline void append_varint(Bytes& out, std::uint64_t value) {
  char* begin = out.room(kVarintBytesMax);
  out.commit(static_cast<std::size_t>(put_varint(begin, value) - begin));
}

[[gnu::noinline]] inline const char* get_long_varint(const char* from, const char* end,
                                                     std::uint64_t& value) {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 64 && from != end; shift += 7) {
    const std::uint64_t byte = static_cast<unsigned char>(*from++);
    if (shift == 63 && byte > 1) return nullptr;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      value = result;
      return from;
    }
  }
  return nullptr;
}

/// Returns the position behind the number, or null when there is none before `end`.
[[gnu::always_inline]] inline const char* get_varint(const char* from, const char* end,
                                                     std::uint64_t& value) {
  if (from != end && static_cast<unsigned char>(*from) < 0x80) [[likely]] {
    value = static_cast<unsigned char>(*from);
    return from + 1;
  }
  return get_long_varint(from, end, value);
}

constexpr std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

inline std::uint64_t load_u64(const char* from) {
  std::uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// memcpy() for what is mostly short: no call up to 64 bytes.  Returns the end.
[[gnu::always_inline]] inline char* copy_bytes(char* to, const char* from, std::size_t size) {
  if (size > 64) [[unlikely]] {
    std::memcpy(to, from, size);
  } else if (size >= 16) {
    // Sixteen at a time, the last ones again from the end.
    for (std::size_t at = 0; at + 16 < size; at += 16) std::memcpy(to + at, from + at, 16);
    std::memcpy(to + size - 16, from + size - 16, 16);
  } else if (size >= 8) {
    std::memcpy(to, from, 8);
    std::memcpy(to + size - 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(to, from, 4);
    std::memcpy(to + size - 4, from + size - 4, 4);
  } else if (size != 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
  return to + size;
}

inline std::uint32_t load_u32(const char* from) {
  std::uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// memcmp() == 0 for what is mostly short: no call up to 64 bytes.
[[gnu::always_inline]] inline bool same_bytes(const char* a, const char* b, std::size_t size) {
  if (size > 64) [[unlikely]]
    return std::memcmp(a, b, size) == 0;
  if (size >= 8) {
    // Eight at a time, the last ones again from the end.
    std::uint64_t differing = load_u64(a + size - 8) ^ load_u64(b + size - 8);
    for (std::size_t at = 0; at + 8 < size; at += 8)
      differing |= load_u64(a + at) ^ load_u64(b + at);
    return differing == 0;
  }
  if (size >= 4) {
    return ((load_u32(a) ^ load_u32(b)) | (load_u32(a + size - 4) ^ load_u32(b + size - 4))) == 0;
  }
  return size == 0 || (a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]);
}

constexpr std::uint64_t byte_swap(std::uint64_t value) { return __builtin_bswap64(value); }

/// Whether `span` bytes from `at` may be read although fewer belong to the text: they lie in one
/// page, so the read cannot fault, and the surplus is masked away.  Sanitizers see it as an error.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMayOverread = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
inline constexpr bool kMayOverread = false;
#else
inline constexpr bool kMayOverread = true;
#endif
#else
inline constexpr bool kMayOverread = true;
#endif
inline bool may_overread(const char* at, std::size_t span) {
  constexpr std::uintptr_t kPageBytes = 4096;
  return kMayOverread &&
         (reinterpret_cast<std::uintptr_t>(at) & (kPageBytes - 1)) <= kPageBytes - span;
}

/// The first eight bytes as a big-endian number, padded with zeros: orders like memcmp as far as
/// it reaches.
inline std::uint64_t prefix_of(const char* key, std::size_t size) {
  if (size >= 8) return byte_swap(load_u64(key));
  if (size == 0) return 0;
  std::uint64_t value = 0;
  if (may_overread(key, 8)) {
    value = load_u64(key) & (~std::uint64_t{0} >> (64 - 8 * size));
  } else {
    std::memcpy(&value, key, size);
  }
  return byte_swap(value);
}

/// Lexicographic order of bytes; the shorter of two equal beginnings is smaller.
inline int compare_bytes(const char* a, std::size_t a_size, const char* b, std::size_t b_size) {
  const std::size_t common = a_size < b_size ? a_size : b_size;
  const int order = common == 0 ? 0 : std::memcmp(a, b, common);
  if (order != 0) return order;
  return a_size < b_size ? -1 : (a_size > b_size ? 1 : 0);
}

}  // namespace detail

inline void Bytes::append(const char* bytes, std::size_t count) {
  if (count == 0) return;
  detail::copy_bytes(room(count), bytes, count);
  size_ += count;
}

}  // namespace fanfold
