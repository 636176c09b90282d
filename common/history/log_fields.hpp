// Fields of a line of an event log; of another type than expected they are not there.
//
// Json is nlohmann::json: whoever includes this has it, this header needs it not.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace fanfold {

template <class Json>
std::uint64_t number(const Json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_number_unsigned() ? found->template get<std::uint64_t>()
                                                            : 0;
}

template <class Json>
std::uint32_t small_number(const Json& line, const char* name) {
  const std::uint64_t value = number(line, name);
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

template <class Json>
std::string text(const Json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_string() ? found->template get<std::string>()
                                                   : std::string();
}

template <class Json>
bool flag(const Json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_boolean() && found->template get<bool>();
}

template <class Json>
std::vector<std::string> texts(const Json& line, const char* name) {
  std::vector<std::string> values;
  const auto found = line.find(name);
  if (found == line.end() || !found->is_array()) return values;
  for (const Json& one : *found) {
    if (one.is_string()) values.push_back(one.template get<std::string>());
  }
  return values;
}

/// Nothing of a list that is longer.
template <class Json>
std::vector<std::uint64_t> numbers(const Json& line, const char* name, std::size_t most) {
  std::vector<std::uint64_t> list;
  const auto found = line.find(name);
  if (found == line.end() || !found->is_array() || found->size() > most) return list;
  for (const Json& one : *found) {
    list.push_back(one.is_number_unsigned() ? one.template get<std::uint64_t>() : 0);
  }
  return list;
}

}  // namespace fanfold
