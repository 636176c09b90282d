// Fuzz targets: functions that take any bytes, as a decoder of the product would meet them, and
// check what the product promises of every input.  Run by libFuzzer (driver.cpp) and, over the
// corpus and its mutations, by an ordinary test (replay_test.cpp).

#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace fanfold::fuzz {

struct Target {
  std::string_view name;  // Its corpus lies in corpus/<name>/.
  /// True when the bytes were what the decoder hopes for; throws BrokenPromise.
  bool (*run)(std::string_view input);
};

std::span<const Target> protocol_targets();
std::span<const Target> file_targets();
std::span<const Target> input_targets();
std::span<const Target> foreign_targets();

struct BrokenPromise {
  const char* promise;
};
inline void promise(bool kept, const char* what) {
  if (!kept) throw BrokenPromise{what};
}

/// The first bytes of an input say how to treat the others; what is missing is zero.
template <class Integer>
Integer take(std::string_view& input) {
  Integer value{};
  const std::size_t size = input.size() < sizeof value ? input.size() : sizeof value;
  if (size != 0) std::memcpy(&value, input.data(), size);
  input.remove_prefix(size);
  return value;
}

}  // namespace fanfold::fuzz
