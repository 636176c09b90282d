#include "cli/job/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

Status refuse(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

template <class Number>
bool is_number(std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

bool has_type(const std::string& value, abi::ParameterType type) {
  switch (type) {
    case abi::ParameterType::kString:
      return true;
    case abi::ParameterType::kInteger:
      return is_number<std::int64_t>(value);
    case abi::ParameterType::kNumber:
      return is_number<double>(value);
    case abi::ParameterType::kBoolean:
      return value == "true" || value == "false";
  }
  return false;
}

const char* expected(abi::ParameterType type) {
  switch (type) {
    case abi::ParameterType::kString:
      return "a string";
    case abi::ParameterType::kInteger:
      return "an integer, such as 42";
    case abi::ParameterType::kNumber:
      return "a number, such as 0.5";
    case abi::ParameterType::kBoolean:
      return "a boolean: true or false";
  }
  return "a value";
}

// What people write for a boolean; jobs see only "true" and "false".
std::string canonical(const std::string& value, abi::ParameterType type) {
  if (type != abi::ParameterType::kBoolean) return value;
  if (value == "1" || value == "yes" || value == "on") return "true";
  if (value == "0" || value == "no" || value == "off") return "false";
  return value;
}

Status check_value(const abi::JobInfo& job, const abi::Parameter& parameter,
                   const std::string& value) {
  if (!has_type(value, parameter.type)) {
    return refuse("parameter '" + parameter.name + "' of job '" + job.name + "' is '" + value +
                  "'; it has to be " + expected(parameter.type) + ".");
  }
  if (!parameter.choices.empty() && std::find(parameter.choices.begin(), parameter.choices.end(),
                                              value) == parameter.choices.end()) {
    return refuse("parameter '" + parameter.name + "' of job '" + job.name + "' is '" + value +
                  "'; it has to be " + join_words(parameter.choices, " or ") + "." +
                  did_you_mean(value, parameter.choices));
  }
  return Status();
}

Status unknown_parameter(const abi::JobInfo& job, const std::string& name) {
  std::vector<std::string> names;
  for (const abi::Parameter& parameter : job.parameters) names.push_back(parameter.name);
  std::string message = "job '" + job.name + "' has no parameter '" + name + "'.";
  const std::string suggestion = did_you_mean(name, names);
  if (!suggestion.empty()) {
    message += suggestion;
  } else if (names.empty()) {
    message += " It takes none.";
  } else {
    message += " It takes " + join_words(names, " and ") + ".";
  }
  return refuse(message);
}

}  // namespace

const char* name_of(abi::ParameterType type) {
  switch (type) {
    case abi::ParameterType::kString:
      return "string";
    case abi::ParameterType::kInteger:
      return "integer";
    case abi::ParameterType::kNumber:
      return "number";
    case abi::ParameterType::kBoolean:
      return "boolean";
  }
  return "unknown";
}

Result<proto::Parameters> complete_parameters(const abi::JobInfo& job,
                                              std::span<const std::string> given) {
  proto::Parameters parameters;
  for (const std::string& word : given) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return refuse("--param '" + word + "' is not of the form NAME=VALUE.");
    }
    const std::string name = word.substr(0, equals);
    const auto declared =
        std::find_if(job.parameters.begin(), job.parameters.end(),
                     [&](const abi::Parameter& parameter) { return parameter.name == name; });
    if (declared == job.parameters.end()) return unknown_parameter(job, name);
    const std::string value = canonical(word.substr(equals + 1), declared->type);
    FANFOLD_RETURN_IF_ERROR(check_value(job, *declared, value));
    if (!parameters.emplace(name, value).second) {
      return refuse("parameter '" + name + "' is given twice.");
    }
  }
  for (const abi::Parameter& parameter : job.parameters) {
    if (parameters.find(parameter.name) != parameters.end()) continue;
    if (parameter.required) {
      return refuse("job '" + job.name + "' needs parameter '" + parameter.name +
                    "': " + parameter.help + "\nGive it with --param " + parameter.name + "=" +
                    (parameter.type == abi::ParameterType::kString ? "TEXT" : "VALUE") + ".");
    }
    parameters.emplace(parameter.name, parameter.default_value);
  }
  return parameters;
}

}  // namespace fanfold::cli
