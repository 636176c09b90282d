#include "cli/output/key_order.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;

// No real key nests deeper; a manifest is a file that anybody may have written.
constexpr int kDepthMax = 16;
constexpr std::uint64_t kSign = std::uint64_t{1} << 63;

void append_big_endian(std::uint64_t value, std::string* out) {
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

void append_float(double value, std::string* out) {
  if (std::isnan(value)) {
    append_big_endian(~std::uint64_t{0}, out);
    return;
  }
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value);
  append_big_endian((bits & kSign) != 0 ? ~bits : bits | kSign, out);
}

// Inside a composite a string ends with two zeros, so that no string is the beginning of another.
void append_inner_bytes(std::string_view text, std::string* out) {
  for (const char c : text) {
    out->push_back(c);
    if (c == '\0') out->push_back('\xff');
  }
  out->append(2, '\0');
}

template <class Number>
bool parse_number(std::string_view text, Number* value) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && rest == text.data() + text.size() && !text.empty();
}

// Fields of a composite: cut at commas that no backslash precedes, escapes undone.
std::vector<std::string> split_fields(std::string_view text) {
  std::vector<std::string> fields;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '\\') {
      ++i;
      continue;
    }
    if (i >= text.size() || text[i] == ',') {
      fields.push_back(unescape(text.substr(begin, std::min(i, text.size()) - begin)));
      begin = i + 1;
    }
  }
  return fields;
}

bool take(std::string_view* text, std::string_view word) {
  if (!text->starts_with(word)) return false;
  text->remove_prefix(word.size());
  return true;
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain += text[i];
      continue;
    }
    const char escaped = text[++i];
    plain += escaped == 't' ? '\t' : escaped == 'n' ? '\n' : escaped == 'r' ? '\r' : escaped;
  }
  return plain;
}

bool KeyOrder::parse_node(std::string_view* text, int depth, Node* node) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 8> kWords = {
      {{"bytes", Kind::kBytes},
       {"uint", Kind::kUnsigned},
       {"int", Kind::kSigned},
       {"float", Kind::kFloat},
       {"bool", Kind::kBool},
       {"tuple(", Kind::kTuple},
       {"list(", Kind::kList},
       {"optional(", Kind::kOptional}}};
  if (depth > kDepthMax) return false;
  for (const auto& [word, kind] : kWords) {
    if (!take(text, word)) continue;
    node->kind = kind;
    if (!word.ends_with('(')) return true;
    do {
      node->parts.emplace_back();
      if (!parse_node(text, depth + 1, &node->parts.back())) return false;
    } while (kind == Kind::kTuple && take(text, ","));
    return take(text, ")");
  }
  return false;
}

std::optional<KeyOrder> KeyOrder::parse(std::string_view text) {
  KeyOrder order;
  if (!parse_node(&text, 0, &order.root_) || !text.empty()) return std::nullopt;
  return order;
}

bool KeyOrder::readable(const Node& node, bool last) {
  switch (node.kind) {
    case Kind::kBytes:
    case Kind::kUnsigned:
    case Kind::kSigned:
    case Kind::kFloat:
    case Kind::kBool:
      return true;
    case Kind::kTuple:
      for (std::size_t i = 0; i < node.parts.size(); ++i) {
        if (!readable(node.parts[i], last && i + 1 == node.parts.size())) return false;
      }
      return true;
    case Kind::kList:
      return last && readable(node.parts[0], false);
    case Kind::kOptional:
      return node.parts[0].parts.empty();
  }
  return false;
}

bool KeyOrder::readable_from_text() const { return readable(root_, true); }

bool KeyOrder::encode_fields(const Node& node, const std::vector<std::string>& fields,
                             std::size_t* next, std::string* sortable) {
  if (node.kind == Kind::kTuple) {
    for (const Node& part : node.parts) {
      if (!encode_fields(part, fields, next, sortable)) return false;
    }
    return true;
  }
  if (node.kind == Kind::kList) {
    // An empty list prints as nothing, which is one empty field.
    const bool empty = *next + 1 == fields.size() && fields[*next].empty();
    if (empty) ++*next;
    while (*next < fields.size()) {
      sortable->push_back('\1');
      if (!encode_fields(node.parts[0], fields, next, sortable)) return false;
    }
    sortable->push_back('\0');
    return true;
  }
  if (*next >= fields.size()) return false;
  const std::string& field = fields[*next];
  if (node.kind == Kind::kOptional) {
    sortable->push_back(field.empty() ? '\0' : '\1');
    if (!field.empty()) return encode_fields(node.parts[0], fields, next, sortable);
    ++*next;
    return true;
  }
  ++*next;
  std::uint64_t natural = 0;
  std::int64_t integer = 0;
  double real = 0;
  switch (node.kind) {
    case Kind::kBytes:
      append_inner_bytes(field, sortable);
      return true;
    case Kind::kUnsigned:
      if (!parse_number(field, &natural)) return false;
      append_big_endian(natural, sortable);
      return true;
    case Kind::kSigned:
      if (!parse_number(field, &integer)) return false;
      append_big_endian(static_cast<std::uint64_t>(integer) ^ kSign, sortable);
      return true;
    case Kind::kFloat:
      if (!parse_number(field, &real)) return false;
      append_float(real, sortable);
      return true;
    case Kind::kBool:
      sortable->push_back(field == "true" ? '\1' : '\0');
      return field == "true" || field == "false";
    case Kind::kTuple:
    case Kind::kList:
    case Kind::kOptional:
      break;
  }
  return false;
}

bool KeyOrder::from_text(std::string_view key, std::string* sortable) const {
  if (root_.kind == Kind::kBytes) {
    // Most keys are plain words.
    if (key.find('\\') == std::string_view::npos) {
      sortable->append(key);
    } else {
      sortable->append(unescape(key));
    }
    return true;
  }
  std::size_t next = 0;
  const std::vector<std::string> fields = split_fields(key);
  return encode_fields(root_, fields, &next, sortable) && next == fields.size();
}

// Walks the same tree over JSON values.
struct KeyOrder::Reader {
  static bool number(const Json& json, Kind kind, std::string* sortable) {
    if (kind == Kind::kFloat) {
      // JSON has no NaN: it is printed as null.
      if (!json.is_number() && !json.is_null()) return false;
      append_float(json.is_null() ? std::nan("") : json.get<double>(), sortable);
      return true;
    }
    if (kind == Kind::kUnsigned) {
      if (!json.is_number_unsigned()) return false;
      append_big_endian(json.get<std::uint64_t>(), sortable);
    } else {
      const bool fits = json.is_number_integer() &&
                        (!json.is_number_unsigned() || json.get<std::uint64_t>() < kSign);
      if (!fits) return false;
      append_big_endian(static_cast<std::uint64_t>(json.get<std::int64_t>()) ^ kSign, sortable);
    }
    return true;
  }

  static bool encode(const Node& node, const Json& json, bool inside, std::string* sortable) {
    switch (node.kind) {
      case Kind::kBytes:
        if (!json.is_string()) return false;
        if (inside) {
          append_inner_bytes(json.get_ref<const std::string&>(), sortable);
        } else {
          sortable->append(json.get_ref<const std::string&>());
        }
        return true;
      case Kind::kUnsigned:
      case Kind::kSigned:
      case Kind::kFloat:
        return number(json, node.kind, sortable);
      case Kind::kBool:
        if (!json.is_boolean()) return false;
        sortable->push_back(json.get<bool>() ? '\1' : '\0');
        return true;
      case Kind::kTuple:
        if (!json.is_array() || json.size() != node.parts.size()) return false;
        for (std::size_t i = 0; i < node.parts.size(); ++i) {
          if (!encode(node.parts[i], json[i], true, sortable)) return false;
        }
        return true;
      case Kind::kList:
        if (!json.is_array()) return false;
        for (const Json& element : json) {
          sortable->push_back('\1');
          if (!encode(node.parts[0], element, true, sortable)) return false;
        }
        sortable->push_back('\0');
        return true;
      case Kind::kOptional:
        sortable->push_back(json.is_null() ? '\0' : '\1');
        return json.is_null() || encode(node.parts[0], json, true, sortable);
    }
    return false;
  }
};

bool KeyOrder::from_json(std::string_view record, std::string* sortable) const {
  const Json json = Json::parse(record, nullptr, false);
  if (!json.is_object() || !json.contains("key")) return false;
  return Reader::encode(root_, json["key"], false, sortable);
}

}  // namespace fanfold::cli
