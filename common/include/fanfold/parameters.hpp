// Declares the parameters of a job: `--param name=value` on the command line, checked there.
//
//   static void declare(fanfold::Parameters& parameters) {
//     parameters.required<std::string>("pattern", "What to look for.");
//     parameters.optional<std::uint64_t>("k", 10, "How many lines to keep.");
//     parameters.optional<std::string>("mode", "count", "What to print.").choices({"count",
//     "line"});
//   }
//
// Context::parameter<T>(name) reads them.

#pragma once

#include <charconv>
#include <concepts>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/key_codec.hpp"

namespace fanfold {

template <class T>
concept ParameterValue = StringLike<T> || std::is_arithmetic_v<T>;

namespace detail {

template <ParameterValue T>
constexpr abi::ParameterType parameter_type() {
  if constexpr (StringLike<T>) {
    return abi::ParameterType::kString;
  } else if constexpr (std::is_same_v<T, bool>) {
    return abi::ParameterType::kBoolean;
  } else if constexpr (std::is_integral_v<T>) {
    return abi::ParameterType::kInteger;
  } else {
    return abi::ParameterType::kNumber;
  }
}

template <ParameterValue T>
std::string parameter_text(const T& value) {
  if constexpr (StringLike<T>) {
    return std::string(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else {
    char text[64];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    return std::string(text, end);
  }
}

/// False when the text is not a T.
template <ParameterValue T>
bool parse_parameter(std::string_view text, T& value) {
  if constexpr (StringLike<T>) {
    value = text;
    return true;
  } else if constexpr (std::is_same_v<T, bool>) {
    value = text == "true" || text == "1" || text == "yes";
    return value || text == "false" || text == "0" || text == "no";
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }
}

}  // namespace detail

/// The list under declaration; a job's declare() receives it.
class Parameters {
 public:
  /// What a declaration returns, to say more about the parameter.
  class Declared {
   public:
    Declared(std::vector<abi::Parameter>& all, std::size_t index) : all_(all), index_(index) {}
    /// Only these values are allowed.
    Declared& choices(std::initializer_list<std::string_view> values) {
      all_[index_].choices.assign(values.begin(), values.end());
      return *this;
    }

   private:
    std::vector<abi::Parameter>& all_;
    std::size_t index_;
  };

  /// The user must give it.
  template <ParameterValue T>
  Declared required(std::string_view name, std::string_view help) {
    return add({std::string(name), detail::parameter_type<T>(), true, "", std::string(help), {}});
  }

  /// `fallback` when the user does not give it.
  template <ParameterValue T>
  Declared optional(std::string_view name, std::type_identity_t<T> fallback,
                    std::string_view help) {
    return add({std::string(name),
                detail::parameter_type<T>(),
                false,
                detail::parameter_text<T>(fallback),
                std::string(help),
                {}});
  }

  const std::vector<abi::Parameter>& all() const { return all_; }

 private:
  Declared add(abi::Parameter parameter) {
    for (const abi::Parameter& known : all_) {
      if (known.name == parameter.name) {
        throw std::logic_error("parameter '" + parameter.name + "' is declared twice");
      }
    }
    all_.push_back(std::move(parameter));
    return {all_, all_.size() - 1};
  }

  std::vector<abi::Parameter> all_;
};

}  // namespace fanfold
