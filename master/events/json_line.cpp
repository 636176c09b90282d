#include "master/events/json_line.hpp"

#include <array>
#include <charconv>

namespace fanfold::master {
namespace {

/// A line is read by people, too; longer values are cut.
constexpr std::size_t kTextBytes = 4096;

template <class Integer>
void append_number(Integer value, std::string* out) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out->append(digits.data(), end);
}

bool is_plain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

/// Bytes of the UTF-8 character that `text` begins with; 0: it begins with none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is beyond the last character.
  if (first == 0xe0 && byte(1) < 0xa0) return 0;
  if (first == 0xed && byte(1) > 0x9f) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;
  return length;
}

void append_escaped(char c, std::string* out) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"':
    case '\\':
      out->push_back('\\');
      out->push_back(c);
      break;
    case '\n':
      out->append("\\n");
      break;
    case '\t':
      out->append("\\t");
      break;
    default:
      out->append("\\u00");
      out->push_back(kDigits[byte >> 4]);
      out->push_back(kDigits[byte & 15]);
  }
}

}  // namespace

void append_json_text(std::string_view text, std::size_t bytes_max, std::string* out) {
  const bool cut = text.size() > bytes_max;
  std::size_t left = cut ? bytes_max : text.size();
  out->push_back('"');
  while (left > 0) {
    std::size_t plain = 0;
    while (plain < left && is_plain(text[plain])) ++plain;
    out->append(text.substr(0, plain));
    text.remove_prefix(plain);
    left -= plain;
    if (left == 0) break;
    const std::size_t length = character_length(text);
    // A character that the limit would cut in two is left out.
    if (length > left) break;
    if (length == 0) {
      out->append("\xef\xbf\xbd");
    } else if (length == 1) {
      append_escaped(text[0], out);
    } else {
      out->append(text.substr(0, length));
    }
    const std::size_t used = length == 0 ? 1 : length;
    text.remove_prefix(used);
    left -= used;
  }
  out->append(cut ? "...\"" : "\"");
}

JsonLine::JsonLine(std::string* out, std::string_view event, std::uint64_t time_us) : out_(*out) {
  out_.append("{\"event\":\"");
  out_.append(event);
  out_.push_back('"');
  number("time", time_us);
}

void JsonLine::begin_field(std::string_view name) {
  out_.append(",\"");
  out_.append(name);
  out_.append("\":");
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
  begin_field(name);
  append_json_text(value, kTextBytes, &out_);
  return *this;
}

JsonLine& JsonLine::number(std::string_view name, std::uint64_t value) {
  begin_field(name);
  append_number(value, &out_);
  return *this;
}

JsonLine& JsonLine::task(std::string_view name, const TaskId& task) {
  begin_field(name);
  out_.push_back('"');
  out_.append(name_of(task.stage));
  if (task.stage != Stage::kSample) {
    out_.push_back('-');
    append_number(task.index, &out_);
  }
  out_.push_back('"');
  return *this;
}

JsonLine& JsonLine::stage(Stage stage) { return text("stage", name_of(stage)); }

JsonLine& JsonLine::id(AttemptId attempt) {
  begin_field("id");
  out_.push_back('"');
  append_number(attempt.value, &out_);
  out_.push_back('"');
  return *this;
}

JsonLine& JsonLine::flag(std::string_view name, bool value) {
  begin_field(name);
  out_.append(value ? "true" : "false");
  return *this;
}

JsonLine& JsonLine::texts(std::string_view name, std::span<const std::string> values) {
  begin_field(name);
  out_.push_back('[');
  for (const std::string& value : values) {
    if (out_.back() != '[') out_.push_back(',');
    append_json_text(value, kTextBytes, &out_);
  }
  out_.push_back(']');
  return *this;
}

JsonLine& JsonLine::numbers(std::string_view name, std::span<const std::uint64_t> values) {
  begin_field(name);
  out_.push_back('[');
  for (const std::uint64_t value : values) {
    if (out_.back() != '[') out_.push_back(',');
    append_number(value, &out_);
  }
  out_.push_back(']');
  return *this;
}

JsonLine& JsonLine::hot_keys(std::string_view name, std::span<const proto::HotKey> keys) {
  begin_field(name);
  out_.push_back('[');
  for (const proto::HotKey& key : keys) {
    if (out_.back() != '[') out_.push_back(',');
    out_.append("{\"key\":");
    append_json_text(key.key, kTextBytes, &out_);
    out_.append(",\"partition\":");
    append_number(key.partition, &out_);
    out_.append(",\"bytes\":");
    append_number(key.bytes, &out_);
    out_.push_back('}');
  }
  out_.push_back(']');
  return *this;
}

JsonLine& JsonLine::counters(std::string_view name,
                             const std::map<std::string, std::int64_t>& values) {
  begin_field(name);
  out_.push_back('{');
  for (const auto& [key, value] : values) {
    if (out_.back() != '{') out_.push_back(',');
    append_json_text(key, kTextBytes, &out_);
    out_.push_back(':');
    append_number(value, &out_);
  }
  out_.push_back('}');
  return *this;
}

}  // namespace fanfold::master
