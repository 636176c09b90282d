// Fixed-width integers as bytes of a file: little endian on every machine.

#pragma once

#include <bit>
#include <concepts>
#include <cstring>

namespace fanfold::io {

static_assert(std::endian::native == std::endian::little, "files are written in native order");

template <std::unsigned_integral T>
void store(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <std::unsigned_integral T>
T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace fanfold::io
