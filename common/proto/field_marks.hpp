// What a field is marked with where the order of fields is written down (fields.hpp): that its
// number is checked, or since when it travels.

#pragma once

#include <cstdint>

namespace fanfold::proto {

/// An enumeration whose number is checked when it is read.
template <class Enumeration>
struct Checked {
  Enumeration& value;
};
template <class Enumeration>
Checked(Enumeration&) -> Checked<Enumeration>;

/// A StatusCode that a message carries as a plain byte.
struct CheckedCode {
  std::uint8_t& value;
};

/// A field that came with a version of the protocol: peers of the version before neither send nor
/// get it.  With a `feature` it says what somebody has to do, and nobody may do without: then a
/// message in which it is set is not for such a peer (versions.hpp).  A number or enumeration is
/// set when it is not 0, so that has to be its default; a struct when it differs from a fresh one.
template <class Field>
struct Since {
  std::uint32_t protocol;
  Field field;
  const char* feature = nullptr;
};
template <class Field>
Since(std::uint32_t, Field&&) -> Since<Field>;
template <class Field>
Since(std::uint32_t, Field&&, const char*) -> Since<Field>;

}  // namespace fanfold::proto
