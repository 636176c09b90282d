// Bytes in and out, one primitive at a time: little-endian integers of fixed width, texts and
// counts with a 4-byte length.  The codec's archives and the master's store are built on it.
//
// Reading is total.  The first thing that does not fit is remembered; from then on every read
// gives zero or nothing, so callers check once, at the end.  Nothing is allocated before its
// length was checked against the bytes that are left.

#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "common/core/check.hpp"

namespace fanfold::proto {

class WireWriter {
 public:
  template <class Integer>
  void number(Integer value) {
    const auto bits = static_cast<std::uint64_t>(value);
    char bytes[sizeof(Integer)];
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      bytes[i] = static_cast<char>(bits >> (8 * i));
    }
    bytes_.append(bytes, sizeof bytes);
  }
  void boolean(bool value) { number<std::uint8_t>(value ? 1 : 0); }
  void count(std::size_t value) {
    FANFOLD_CHECK(value <= std::numeric_limits<std::uint32_t>::max());
    number(static_cast<std::uint32_t>(value));
  }
  void text(std::string_view value) {
    count(value.size());
    bytes_.append(value);
  }

  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class WireReader {
 public:
  /// Borrows `bytes`.
  explicit WireReader(std::string_view bytes) : bytes_(bytes) {}

  template <class Integer>
  Integer number() {
    if (!holds(sizeof(Integer))) return 0;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(Integer); ++i) {
      bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes_[position_ + i]))
              << (8 * i);
    }
    position_ += sizeof(Integer);
    return static_cast<Integer>(bits);
  }

  bool boolean() {
    const auto value = number<std::uint8_t>();
    if (value > 1) fail("a boolean is neither 0 nor 1");
    return value == 1;
  }

  /// How many elements follow.  Every element takes `bytes_min` bytes or more, so a count that
  /// cannot be true is refused before anybody makes room for it.
  std::size_t count(std::size_t bytes_min = 1) {
    const auto value = number<std::uint32_t>();
    if (value > remaining() / bytes_min) {
      fail("a count of " + std::to_string(value) + " does not fit into what is left");
      return 0;
    }
    return value;
  }

  /// Valid as long as the bytes given to the constructor.
  std::string_view text() {
    const std::size_t size = count();
    const std::string_view value = bytes_.substr(position_, size);
    position_ += size;
    return value;
  }

  /// Notes the first failure; later ones are consequences of it.
  void fail(std::string_view reason) {
    if (!ok()) return;
    error_ = std::string(reason) + " (at byte " + std::to_string(position_) + ")";
    position_ = bytes_.size();
  }
  /// Call it after the last field: bytes that nobody understands are damage too.
  void expect_end() {
    if (ok() && remaining() != 0) fail(std::to_string(remaining()) + " bytes too many");
  }

  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

 private:
  bool holds(std::size_t size) {
    if (size > remaining()) fail("it ends in the middle of a field");
    return ok();
  }

  std::string_view bytes_;
  std::size_t position_ = 0;
  std::string error_;
};

}  // namespace fanfold::proto
