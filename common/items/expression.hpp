// What stands behind a field whose name ends with ".$": a reference path of the States Language, or
// one of its intrinsic functions.
//
//   $.order.lines[0].price   $['a name']   $$.Map.Item.Index
//   States.Format('{} of {}', $.part, 'all')   States.Array($.a, 1)
//   States.StringToJson($.text)   States.JsonToString($.value)

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/status.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::items {

/// What paths are looked up in: "$" and "$$".
struct Scope {
  const Json& input;
  const Json& context;
};

class Path {
 public:
  Path() = default;  // "$"
  /// kInvalidArgument: it is none, or one that selects more than one value.
  static Result<Path> parse(std::string_view text);

  /// Null when there is nothing.  Borrowed from the scope.
  const Json* find(const Scope& scope) const;
  /// The same; kNotFound names the path.
  Result<Json> value(const Scope& scope) const;
  /// Puts a value there and makes the objects on the way.  kInvalidArgument: something else is in
  /// the way, or the path leads into the context or an array.
  Status put(Json value, Json* into) const;

  /// When it leads through names alone, from "$".
  std::optional<std::vector<std::string>> names() const;
  bool is_whole() const { return !of_context_ && steps_.empty(); }
  bool of_context() const { return of_context_; }
  const std::string& text() const { return text_; }

 private:
  using Step = std::variant<std::string, std::size_t>;
  std::string text_ = "$";
  bool of_context_ = false;
  std::vector<Step> steps_;
};

class Expression {
 public:
  static Result<Expression> parse(std::string_view text);
  /// kNotFound: a path leads nowhere.  kInvalidArgument: a function cannot do with what it got.
  Result<Json> evaluate(const Scope& scope) const;

 private:
  friend class ExpressionParser;
  enum class Function { kNone, kFormat, kArray, kStringToJson, kJsonToString };
  Result<Json> call(const std::vector<Json>& arguments) const;

  std::variant<Path, Json> value_;  // Without a function.
  Function function_ = Function::kNone;
  std::vector<Expression> arguments_;
};

}  // namespace fanfold::items
