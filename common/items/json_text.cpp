#include "common/items/json_text.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace fanfold::items {
namespace {

/// Whether brackets outside of strings nest deeper than kJsonDepth.
bool too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (quoted) continue;
    if ((c == '{' || c == '[') && ++depth > kJsonDepth) return true;
    if ((c == '}' || c == ']') && depth > 0) --depth;
  }
  return false;
}

Status corrupt(std::string why) { return {StatusCode::kCorruption, std::move(why)}; }

Result<Json> parse(std::string_view text, const Json::parser_callback_t& callback) {
  if (text.size() > kJsonDepth && too_deep(text)) {
    return corrupt("its values lie in one another deeper than " + std::to_string(kJsonDepth));
  }
  try {
    return Json::parse(text, callback);
  } catch (const Json::exception& error) {
    std::string why = error.what();
    // "[json.exception.parse_error.101] parse error at line 3, ..."
    const std::size_t end = why.find("] ");
    if (end != std::string::npos) why.erase(0, end + 2);
    return corrupt("it is no JSON: " + why);
  }
}

}  // namespace

Result<Json> parse_json(std::string_view text) { return parse(text, nullptr); }

Result<Json> parse_json_strictly(std::string_view text) {
  std::vector<std::set<std::string>> open;
  std::string twice;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!open.back().insert(name).second) twice = name;
    }
    return true;
  };
  FANFOLD_ASSIGN_OR_RETURN(Json json, parse(text, callback));
  if (!twice.empty()) return corrupt("the field '" + twice + "' is given twice in one object");
  return json;
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_utf8(const std::string& text) {
  const Result<Json> back = parse_json(text_of(text));
  return back.ok() && *back == text;
}

}  // namespace fanfold::items
