// Chance without state: every draw is a function of the seed, a stream and a key that says what is
// decided.  So one decision more or less never shifts another one, which is what lets a failing run
// be shrunk fault by fault (docs/simulation.md).

#pragma once

#include <cstdint>
#include <initializer_list>

namespace fanfold::sim {

enum class Stream : std::uint8_t {
  kWorkload = 1,   // Jobs, records, durations of tasks.
  kNetwork = 2,    // Delays.
  kDisk = 3,       // What is left of unsynced bytes.
  kFaults = 4,     // Which faults happen and how long they last.
  kScheduler = 5,  // Who is woken when.
};

constexpr std::uint64_t scramble(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

constexpr std::uint64_t mix(std::initializer_list<std::uint64_t> parts) {
  std::uint64_t value = 0;
  for (const std::uint64_t part : parts) value = scramble(value ^ part);
  return value;
}

class Draws {
 public:
  explicit Draws(std::uint64_t seed) : seed_(seed) {}

  std::uint64_t seed() const { return seed_; }

  std::uint64_t bits(Stream stream, std::initializer_list<std::uint64_t> key) const {
    return mix({seed_, static_cast<std::uint64_t>(stream), mix(key)});
  }
  /// Uniform in [low, high].
  std::uint64_t between(Stream stream, std::initializer_list<std::uint64_t> key, std::uint64_t low,
                        std::uint64_t high) const {
    return low + bits(stream, key) % (high - low + 1);
  }
  /// True `per_million` times in a million.
  bool chance(Stream stream, std::initializer_list<std::uint64_t> key,
              std::uint64_t per_million) const {
    return bits(stream, key) % 1'000'000 < per_million;
  }

 private:
  const std::uint64_t seed_;
};

}  // namespace fanfold::sim
