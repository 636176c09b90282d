// What happened, as a hash that two equal runs share, and as lines when somebody wants to read.

#pragma once

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/core/time.hpp"
#include "fanfold/hash.hpp"
#include "sim/world/draws.hpp"

namespace fanfold::sim {

class Trace {
 public:
  /// Lines go to `out`; null: none are written.
  explicit Trace(std::FILE* out = nullptr) : out_(out) {}

  bool printing() const { return out_ != nullptr; }

  /// A line that costs nothing but its hash unless somebody reads.
  void note(Instant now, std::string_view event, std::initializer_list<std::uint64_t> numbers) {
    std::uint64_t value = hash(event) ^ static_cast<std::uint64_t>(now.since_origin.count());
    for (const std::uint64_t number : numbers) value = scramble(value ^ number);
    hash_ = scramble(hash_ ^ value);
    if (out_ != nullptr) print(now, event, numbers);
  }
  /// Bytes that must be equal too.
  void absorb(std::string_view bytes) { hash_ = scramble(hash_ ^ hash(bytes)); }
  /// Words for a reader, not part of the hash.
  void say(Instant now, const std::string& words) {
    if (out_ != nullptr) print(now, words, {});
  }

  std::uint64_t digest() const { return hash_; }

 private:
  void print(Instant now, std::string_view event, std::initializer_list<std::uint64_t> numbers);

  std::FILE* out_;
  std::uint64_t hash_ = 0;
};

}  // namespace fanfold::sim
