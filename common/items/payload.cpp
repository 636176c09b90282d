#include "common/items/payload.hpp"

namespace fanfold::items {
namespace {

constexpr std::string_view kComputed = ".$";

/// Anything in it that is to be computed.
bool computes(const Json& json) {
  if (json.is_object()) {
    for (const auto& [name, value] : json.items()) {
      if (name.ends_with(kComputed) || computes(value)) return true;
    }
  }
  if (json.is_array()) {
    for (const Json& value : json) {
      if (computes(value)) return true;
    }
  }
  return false;
}

}  // namespace

Result<Payload> Payload::parse(const Json& json) {
  Payload payload;
  if (!computes(json)) {
    payload.node_ = json;
    return payload;
  }
  if (json.is_array()) {
    std::vector<Payload> elements;
    for (const Json& value : json) {
      FANFOLD_ASSIGN_OR_RETURN(Payload element, parse(value));
      elements.push_back(std::move(element));
    }
    payload.node_ = std::move(elements);
    return payload;
  }
  std::vector<Field> fields;
  for (const auto& [name, value] : json.items()) {
    const bool computed = name.ends_with(kComputed);
    Field field{computed ? name.substr(0, name.size() - kComputed.size()) : name, {}};
    if (computed && json.contains(field.name)) {
      return Status(StatusCode::kInvalidArgument,
                    "'" + field.name + "' is given twice, once as '" + name + "'");
    }
    if (computed && !value.is_string()) {
      return Status(StatusCode::kInvalidArgument,
                    "'" + name + "' has to be a path or a function, not " + text_of(value));
    }
    if (computed) {
      Result<Expression> expression = Expression::parse(value.get_ref<const std::string&>());
      if (!expression.ok()) return expression.status().with_context("'" + name + "'");
      field.value.node_ = *std::move(expression);
    } else {
      FANFOLD_ASSIGN_OR_RETURN(field.value, parse(value));
    }
    fields.push_back(std::move(field));
  }
  payload.node_ = std::move(fields);
  return payload;
}

Result<Json> Payload::expand(const Scope& scope) const {
  if (const auto* literal = std::get_if<Json>(&node_)) return *literal;
  if (const auto* expression = std::get_if<Expression>(&node_)) return expression->evaluate(scope);
  if (const auto* elements = std::get_if<std::vector<Payload>>(&node_)) {
    Json array = Json::array();
    for (const Payload& element : *elements) {
      FANFOLD_ASSIGN_OR_RETURN(Json value, element.expand(scope));
      array.push_back(std::move(value));
    }
    return array;
  }
  Json object = Json::object();
  for (const Field& field : std::get<std::vector<Field>>(node_)) {
    Result<Json> value = field.value.expand(scope);
    if (!value.ok()) return value.status().with_context("'" + field.name + "'");
    object[field.name] = *std::move(value);
  }
  return object;
}

}  // namespace fanfold::items
