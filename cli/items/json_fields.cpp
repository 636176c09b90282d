#include "cli/items/json_fields.hpp"

#include <algorithm>

#include "cli/text/suggest.hpp"

namespace fanfold::cli {

using items::Json;

Status refuse_field(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

Status check_known_fields(const Json& json, const std::string& what,
                          const std::vector<std::string>& known) {
  if (!json.is_object()) {
    return refuse_field(what + " has to be an object, not " + items::text_of(json).substr(0, 60));
  }
  for (const auto& [name, value] : json.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return refuse_field(what + " has no field '" + name + "'." + did_you_mean(name, known));
    }
  }
  return {};
}

Result<std::string> text_field(const Json& json, const std::string& name) {
  const auto found = json.find(name);
  if (found == json.end()) return std::string();
  if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
    return refuse_field("'" + name + "' has to be a text, not " +
                        items::text_of(*found).substr(0, 60));
  }
  return found->get<std::string>();
}

Result<std::string> choice_field(const Json& json, const std::string& name,
                                 const std::vector<std::string>& words) {
  if (!json.contains(name)) return words.front();
  FANFOLD_ASSIGN_OR_RETURN(std::string word, text_field(json, name));
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  return refuse_field("'" + name + "' is '" + word + "'; it has to be " +
                      join_words(words, " or ") + "." + did_you_mean(word, words));
}

Result<std::uint64_t> whole_number(const Json& value, const std::string& name,
                                   const NumberRange& range) {
  if (value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0)) {
    const auto number = value.get<std::uint64_t>();
    if (number >= range.least && number <= range.most) return number;
  }
  return refuse_field("'" + name + "' is " + items::text_of(value).substr(0, 60) +
                      "; it has to be a whole number from " + std::to_string(range.least) + " to " +
                      std::to_string(range.most));
}

}  // namespace fanfold::cli
