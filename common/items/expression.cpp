#include "common/items/expression.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace fanfold::items {
namespace {

constexpr std::size_t kIndexMax = 100'000'000;
constexpr std::size_t kNestingMax = 20;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

bool is_name(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || static_cast<unsigned char>(c) >= 0x80;
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

Result<Path> Path::parse(std::string_view text) {
  const auto wrong = [&](const std::string& why) {
    return refuse(quoted(text) + " is no reference path: " + why +
                  "; one looks like $.name, $['a name'], $.list[0] or $$.Map.Item.Index");
  };
  Path path;
  path.text_ = text;
  if (text.empty() || text[0] != '$') return wrong("it does not begin with $");
  std::size_t at = 1;
  if (text.substr(0, 2) == "$$") {
    path.of_context_ = true;
    at = 2;
  }
  while (at < text.size()) {
    if (text[at] == '.') {
      std::size_t end = at + 1;
      while (end < text.size() && is_name(text[end])) ++end;
      if (end == at + 1) return wrong("a name is missing behind '.'");
      path.steps_.emplace_back(std::string(text.substr(at + 1, end - at - 1)));
      at = end;
      continue;
    }
    const std::size_t close = text[at] == '[' ? text.find(']', at) : std::string_view::npos;
    if (close == std::string_view::npos) return wrong("'.' or '[...]' is expected");
    const std::string_view inside = text.substr(at + 1, close - at - 1);
    at = close + 1;
    if (inside.size() >= 2 && inside.front() == '\'' && inside.back() == '\'') {
      path.steps_.emplace_back(std::string(inside.substr(1, inside.size() - 2)));
      continue;
    }
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), index);
    if (error != std::errc() || end != inside.data() + inside.size() || index > kIndexMax) {
      return wrong("it must select one value, and " + quoted(inside) + " is no index");
    }
    path.steps_.emplace_back(index);
  }
  return path;
}

const Json* Path::find(const Scope& scope) const {
  const Json* at = of_context_ ? &scope.context : &scope.input;
  for (const Step& step : steps_) {
    if (const auto* name = std::get_if<std::string>(&step)) {
      if (!at->is_object()) return nullptr;
      const auto found = at->find(*name);
      if (found == at->end()) return nullptr;
      at = &*found;
      continue;
    }
    const std::size_t index = std::get<std::size_t>(step);
    if (!at->is_array() || index >= at->size()) return nullptr;
    at = &(*at)[index];
  }
  return at;
}

Result<Json> Path::value(const Scope& scope) const {
  if (const Json* found = find(scope)) return *found;
  return Status(StatusCode::kNotFound, "there is nothing at " + text_);
}

Status Path::put(Json value, Json* into) const {
  if (of_context_) return refuse(text_ + " lies in the context, which cannot be written");
  Json* at = into;
  for (const Step& step : steps_) {
    const auto* name = std::get_if<std::string>(&step);
    if (name == nullptr || !(at->is_object() || at->is_null())) {
      return refuse(text_ + " cannot be written: something that is no object is in the way");
    }
    at = &(*at)[*name];
  }
  *at = std::move(value);
  return {};
}

std::optional<std::vector<std::string>> Path::names() const {
  std::vector<std::string> names;
  for (const Step& step : steps_) {
    const auto* name = std::get_if<std::string>(&step);
    if (name == nullptr) return std::nullopt;
    names.push_back(*name);
  }
  if (of_context_) return std::nullopt;
  return names;
}

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  Result<Expression> parse() {
    FANFOLD_ASSIGN_OR_RETURN(Expression expression, one(0));
    skip_space();
    if (at_ != text_.size()) return wrong("nothing is expected behind it");
    return expression;
  }

 private:
  using Function = Expression::Function;

  Status wrong(const std::string& why) const {
    return refuse(quoted(text_) + " cannot be understood at " +
                  quoted(text_.substr(std::min(at_, text_.size()), 20)) + ": " + why);
  }
  void skip_space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// Up to a comma or parenthesis that is not within quotes.
  std::string_view word() {
    const std::size_t begin = at_;
    bool quotes = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\'') quotes = !quotes;
      if (!quotes && (c == ',' || c == ')' || c == '(' || c == ' ')) break;
    }
    return text_.substr(begin, at_ - begin);
  }

  Result<Expression> one(std::size_t depth) {
    if (depth > kNestingMax) return wrong("functions lie in one another too deep");
    skip_space();
    if (at_ == text_.size()) return wrong("a path, a value or a function is expected");
    if (text_[at_] == '$') {
      Expression expression;
      FANFOLD_ASSIGN_OR_RETURN(expression.value_, Path::parse(word()));
      return expression;
    }
    if (text_.substr(at_).starts_with("States.")) return function(depth);
    if (depth == 0) return wrong("a path ($...) or a function (States...) is expected");
    return literal();
  }

  Result<Expression> literal() {
    Expression expression;
    if (take('\'')) {
      std::string value;
      for (; at_ < text_.size() && text_[at_] != '\''; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        value += text_[at_];
      }
      if (!take('\'')) return wrong("a quote is not closed");
      expression.value_ = Json(std::move(value));
      return expression;
    }
    FANFOLD_ASSIGN_OR_RETURN(Json value, parse_json(word()));
    if (value.is_structured() || value.is_string()) return wrong("a plain value is expected");
    expression.value_ = std::move(value);
    return expression;
  }

  Result<Expression> function(std::size_t depth) {
    static const std::vector<std::pair<std::string_view, Function>> known = {
        {"States.Format", Function::kFormat},
        {"States.Array", Function::kArray},
        {"States.StringToJson", Function::kStringToJson},
        {"States.JsonToString", Function::kJsonToString}};
    const std::string_view name = word();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const auto& one) { return one.first == name; });
    if (found == known.end()) {
      std::string names;
      for (const auto& one : known) names += (names.empty() ? "" : ", ") + std::string(one.first);
      return wrong("there is no function " + quoted(name) + " here, but " + names);
    }
    Expression expression;
    expression.function_ = found->second;
    if (!take('(')) return wrong("'(' is expected");
    if (take(')')) return checked(std::move(expression));
    do {
      FANFOLD_ASSIGN_OR_RETURN(Expression argument, one(depth + 1));
      expression.arguments_.push_back(std::move(argument));
    } while (take(','));
    if (!take(')')) return wrong("',' or ')' is expected");
    return checked(std::move(expression));
  }

  Result<Expression> checked(Expression expression) const {
    const std::size_t count = expression.arguments_.size();
    const bool converts = expression.function_ == Function::kStringToJson ||
                          expression.function_ == Function::kJsonToString;
    if (converts && count != 1) return wrong("this function takes one argument");
    if (expression.function_ == Function::kFormat && count == 0) {
      return wrong("States.Format takes a text with {} for each of its other arguments");
    }
    return expression;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Expression> Expression::parse(std::string_view text) {
  return ExpressionParser(text).parse();
}

Result<Json> Expression::evaluate(const Scope& scope) const {
  if (function_ == Function::kNone) {
    if (const auto* literal = std::get_if<Json>(&value_)) return *literal;
    return std::get<Path>(value_).value(scope);
  }
  std::vector<Json> arguments;
  for (const Expression& argument : arguments_) {
    FANFOLD_ASSIGN_OR_RETURN(Json value, argument.evaluate(scope));
    arguments.push_back(std::move(value));
  }
  return call(arguments);
}

namespace {

Result<Json> format(const std::vector<Json>& arguments) {
  if (!arguments[0].is_string()) return refuse("States.Format: its first argument is no text");
  const auto& pattern = arguments[0].get_ref<const std::string&>();
  std::string text;
  std::size_t next = 1;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.compare(i, 2, "{}") != 0) {
      text += pattern[i];
      continue;
    }
    ++i;
    if (next == arguments.size()) return refuse("States.Format: there are more {} than values");
    const Json& value = arguments[next++];
    if (value.is_structured()) return refuse("States.Format: an object or array is no text");
    text += value.is_string() ? value.get<std::string>() : text_of(value);
  }
  if (next != arguments.size()) return refuse("States.Format: there are more values than {}");
  return Json(std::move(text));
}

}  // namespace

Result<Json> Expression::call(const std::vector<Json>& arguments) const {
  switch (function_) {
    case Function::kFormat:
      return format(arguments);
    case Function::kArray:
      return Json(arguments);
    case Function::kStringToJson: {
      if (!arguments[0].is_string()) return refuse("States.StringToJson: its argument is no text");
      Result<Json> json = parse_json(arguments[0].get_ref<const std::string&>());
      if (!json.ok()) return refuse("States.StringToJson: " + json.status().message());
      return json;
    }
    case Function::kJsonToString:
      return Json(text_of(arguments[0]));
    case Function::kNone:
      break;
  }
  return Json();
}

}  // namespace fanfold::items
