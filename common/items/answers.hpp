// The answers of one target of a scatter (docs/patterns/scatter_gather.md): what a program printed
// or a job wrote, cut into answers, and which of them count.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/items/expression.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::items {

/// A part of an answer: a value of JSON ("$.score"), or a column of a line of text ("2": what
/// stands behind the first TAB).
class AnswerField {
 public:
  /// kInvalidArgument: it is neither.
  static Result<AnswerField> parse(std::string_view text);

  bool is_column() const { return column_ != 0; }
  const std::string& text() const { return text_; }
  /// kNotFound: the answer has no such part.
  Result<std::string> column_of(std::string_view line) const;
  Result<Json> value_of(const Json& answer) const;

 private:
  std::string text_;
  std::size_t column_ = 0;  // From 1; 0: a path.
  Path path_;
};

/// What is an answer, in which order they come, and which are the same.
struct AnswerRules {
  bool json = false;                // Else lines of text.
  std::optional<AnswerField> rank;  // By this number; nothing: as targets gave them.
  bool least_first = false;
  bool distinct = false;
  std::optional<AnswerField> identity;  // `distinct`: by this; nothing: by all of the answer.
  std::uint64_t top = 0;                // The most that are wanted; 0: all.
};

Json json_of(const AnswerRules& rules);
/// kCorruption: json_of() has not written it.
Result<AnswerRules> parse_rules(const Json& json);

struct Answer {
  double order = 0;  // The smallest come first.
  std::string text;  // One line.
  std::string identity;
};

/// `output`: a text whose lines are the answers, or a list of them.  In their order, equal ones
/// once and at most `top`: what is left out could not be among the merged ones.  `*duplicates`
/// grows by those that equal another one.  kCorruption says which answer is not as the rules want
/// it.
Result<std::vector<Answer>> read_answers(const AnswerRules& rules, const Json& output,
                                         std::uint64_t* duplicates);

}  // namespace fanfold::items
