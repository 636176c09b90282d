// Payload templates of the States Language: ItemSelector, Parameters, ResultSelector.  JSON in
// which each field whose name ends with ".$" is computed.  Parsed once, expanded for each item.

#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/status.hpp"
#include "common/items/expression.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::items {

class Payload {
 public:
  /// kInvalidArgument names the field.
  static Result<Payload> parse(const Json& json);
  /// As Expression::evaluate(), the message names the field.
  Result<Json> expand(const Scope& scope) const;

 private:
  struct Field;
  std::variant<Json, Expression, std::vector<Field>, std::vector<Payload>> node_;
};

struct Payload::Field {
  std::string name;  // Without ".$".
  Payload value;
};

}  // namespace fanfold::items
