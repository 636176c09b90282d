#include "master/web/output_view.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::master::web {
namespace {

using Json = nlohmann::ordered_json;

/// Bytes at the end that begin a character of UTF-8 and do not end it: they come with the next
/// piece.
std::size_t begun_character(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    const std::size_t length = byte >= 0xf8   ? 1
                               : byte >= 0xf0 ? 4
                               : byte >= 0xe0 ? 3
                               : byte >= 0xc0 ? 2
                                              : 1;
    return length > back ? back : 0;
  }
  return 0;
}

Result<std::uint64_t> read_number(const std::map<std::string, std::string>& parameters,
                                  const std::string& name, std::uint64_t least) {
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  const auto found = parameters.find(name);
  const auto number =
      parse_count(found == parameters.end() ? std::string() : found->second, least, kMost);
  if (number.ok()) return *number;
  return Status(StatusCode::kInvalidArgument,
                name + "=" +
                    (found == parameters.end() ? "" : fit(printable(found->second, false), 80)) +
                    ": it is a number from " + std::to_string(least) + " on");
}

}  // namespace

Result<std::string> output_json(Questions& questions, JobId job,
                                const std::map<std::string, std::string>& parameters,
                                std::chrono::milliseconds patience) {
  for (const auto& [name, value] : parameters) {
    if (name == "attempt" || name == "from") continue;
    return Status(StatusCode::kInvalidArgument,
                  "parameter=" + fit(printable(name, false), 80) + ": it is one of attempt, from");
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t attempt, read_number(parameters, "attempt", 1));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t from, read_number(parameters, "from", 0));
  Result<proto::Output> output =
      questions.ask({.job = job, .attempt = {attempt}, .offset = from}, patience);
  Json json = {{"attempt", std::to_string(attempt)}, {"from", from}};
  if (output.ok()) {
    std::string& bytes = output->bytes;
    if (!output->ended) bytes.resize(bytes.size() - begun_character(bytes));
    json["left_out"] = output->left_out;
    json["next"] = from + output->left_out + bytes.size();
    json["ended"] = output->ended;
    json["text"] = std::move(bytes);
  } else if (output.status().code() == StatusCode::kNotFound) {
    json["gone"] = output.status().message();
  } else {
    json["later"] = true;
  }
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace fanfold::master::web
