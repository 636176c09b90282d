#include "common/items/answers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "common/items/line.hpp"

namespace fanfold::items {
namespace {

/// Of an answer that an error quotes.
constexpr std::size_t kQuotedBytes = 80;

Status damaged(std::uint64_t number, const std::string& why, std::string_view answer) {
  return {StatusCode::kCorruption, "answer " + std::to_string(number) + " " + why + ": " +
                                       std::string(answer.substr(0, kQuotedBytes))};
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

std::optional<double> number_of(std::string_view text) {
  text = trimmed(text);
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

class Reading {
 public:
  Reading(const AnswerRules& rules, std::uint64_t* duplicates)
      : rules_(rules), duplicates_(*duplicates) {}

  Status add_lines(std::string_view text) {
    while (!text.empty()) {
      const std::string_view line = take_line(&text);
      if (trimmed(line).empty()) continue;
      FANFOLD_RETURN_IF_ERROR(add_line(line));
    }
    return {};
  }

  Status add_value(const Json& value, std::string text) {
    ++number_;
    Answer answer;
    answer.text = std::move(text);
    if (rules_.rank) {
      const Result<Json> rank = rules_.rank->value_of(value);
      if (!rank.ok() || !rank->is_number()) {
        return damaged(number_, "has no number at " + rules_.rank->text(), answer.text);
      }
      rank_by(rank->get<double>(), &answer);
    }
    if (rules_.distinct) {
      if (rules_.identity) {
        const Result<Json> identity = rules_.identity->value_of(value);
        if (!identity.ok()) {
          return damaged(number_, "has nothing at " + rules_.identity->text(), answer.text);
        }
        answer.identity = text_of(*identity);
      } else {
        // The same whatever the order of its fields.
        answer.identity = text_of(value);
      }
    }
    answers_.push_back(std::move(answer));
    return {};
  }

  std::vector<Answer> finish() {
    std::stable_sort(answers_.begin(), answers_.end(),
                     [](const Answer& a, const Answer& b) { return a.order < b.order; });
    if (rules_.distinct) drop_equal();
    if (rules_.top != 0 && answers_.size() > rules_.top) answers_.resize(rules_.top);
    return std::move(answers_);
  }

 private:
  Status add_line(std::string_view line) {
    if (rules_.json) {
      const Result<Json> value = parse_json(line);
      if (!value.ok()) return damaged(number_ + 1, value.status().message(), line);
      return add_value(*value, std::string(trimmed(line)));
    }
    ++number_;
    Answer answer;
    answer.text = line;
    if (rules_.rank) {
      const Result<std::string> column = rules_.rank->column_of(line);
      const std::optional<double> rank = column.ok() ? number_of(*column) : std::nullopt;
      if (!rank) return damaged(number_, "has no number in column " + rules_.rank->text(), line);
      rank_by(*rank, &answer);
    }
    if (rules_.distinct) {
      answer.identity = line;
      if (rules_.identity) {
        Result<std::string> column = rules_.identity->column_of(line);
        if (!column.ok()) return damaged(number_, "has no column " + rules_.identity->text(), line);
        answer.identity = *std::move(column);
      }
    }
    answers_.push_back(std::move(answer));
    return {};
  }

  void rank_by(double rank, Answer* answer) const {
    answer->order = rules_.least_first ? rank : -rank;
  }

  /// The first of those that are equal is the best of them.
  void drop_equal() {
    std::unordered_set<std::string> seen;
    duplicates_ += std::erase_if(
        answers_, [&seen](const Answer& answer) { return !seen.insert(answer.identity).second; });
  }

  const AnswerRules& rules_;
  std::uint64_t& duplicates_;
  std::uint64_t number_ = 0;
  std::vector<Answer> answers_;
};

Result<std::optional<AnswerField>> field_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) return std::optional<AnswerField>();
  if (!found->is_string()) return Status(StatusCode::kCorruption, "a field of answers is no text");
  FANFOLD_ASSIGN_OR_RETURN(AnswerField field, AnswerField::parse(found->get<std::string>()));
  return std::optional<AnswerField>(std::move(field));
}

}  // namespace

Result<AnswerField> AnswerField::parse(std::string_view text) {
  AnswerField field;
  field.text_ = text;
  if (text.starts_with('$')) {
    FANFOLD_ASSIGN_OR_RETURN(field.path_, Path::parse(text));
    if (!field.path_.of_context()) return field;
  } else {
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, field.column_);
    if (parsed.ec == std::errc() && parsed.ptr == end && field.column_ > 0) return field;
  }
  return Status(StatusCode::kInvalidArgument,
                "'" + std::string(text) +
                    "' is neither a path in JSON, such as $.score, nor the number of a column, "
                    "such as 2");
}

Result<std::string> AnswerField::column_of(std::string_view line) const {
  for (std::size_t at = 1; at < column_; ++at) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return Status(StatusCode::kNotFound, "no such column");
    line.remove_prefix(tab + 1);
  }
  return std::string(line.substr(0, line.find('\t')));
}

Result<Json> AnswerField::value_of(const Json& answer) const {
  static const Json kNoContext = Json::object();
  return path_.value({answer, kNoContext});
}

Json json_of(const AnswerRules& rules) {
  Json json = {{"Json", rules.json},
               {"LeastFirst", rules.least_first},
               {"Distinct", rules.distinct},
               {"Top", rules.top}};
  if (rules.rank) json["Rank"] = rules.rank->text();
  if (rules.identity) json["Identity"] = rules.identity->text();
  return json;
}

Result<AnswerRules> parse_rules(const Json& json) {
  if (!json.is_object()) return Status(StatusCode::kCorruption, "the rules of answers are damaged");
  const auto flag = [&json](const char* name) { return json.value(name, Json()) == true; };
  AnswerRules rules;
  rules.json = flag("Json");
  rules.least_first = flag("LeastFirst");
  rules.distinct = flag("Distinct");
  const Json top = json.value("Top", Json());
  if (!top.is_number_unsigned()) {
    return Status(StatusCode::kCorruption, "the rules of answers are damaged");
  }
  rules.top = top.get<std::uint64_t>();
  FANFOLD_ASSIGN_OR_RETURN(rules.rank, field_of(json, "Rank"));
  FANFOLD_ASSIGN_OR_RETURN(rules.identity, field_of(json, "Identity"));
  return rules;
}

Result<std::vector<Answer>> read_answers(const AnswerRules& rules, const Json& output,
                                         std::uint64_t* duplicates) {
  Reading reading(rules, duplicates);
  if (output.is_string()) {
    FANFOLD_RETURN_IF_ERROR(reading.add_lines(output.get_ref<const std::string&>()));
  } else if (output.is_array() && rules.json) {
    for (const Json& value : output) {
      FANFOLD_RETURN_IF_ERROR(reading.add_value(value, text_of(value)));
    }
  } else {
    return Status(StatusCode::kCorruption, "it gave no answers, but something else");
  }
  return reading.finish();
}

}  // namespace fanfold::items
