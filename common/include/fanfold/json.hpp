// One line of JSON Lines input.  Nothing is parsed until a field is asked for; then the line must
// be one well-formed JSON object, or the access throws with the place of the fault.  Only the top
// level is taken apart: raw() hands a nested object or array to whatever library the job likes.

#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fanfold {

class JsonLine {
 public:
  /// The whole line.
  std::string_view text() const { return text_; }

  bool has(std::string_view name) { return find(name).has_value(); }
  /// The field's value as it is written; of two fields with one name, the last.
  std::optional<std::string_view> find(std::string_view name) {
    parse();
    for (auto field = fields_.rbegin(); field != fields_.rend(); ++field) {
      if (field->name == name) return field->value;
    }
    return std::nullopt;
  }
  /// Like find(), but throws when there is no such field.
  std::string_view raw(std::string_view name) {
    const auto value = find(name);
    if (!value.has_value()) {
      throw std::out_of_range("the JSON line has no field '" + std::string(name) + "'");
    }
    return *value;
  }

  /// A string without its quotes and escapes, good until the next line.
  std::string_view string(std::string_view name) {
    const std::string_view value = raw(name);
    if (value.front() != '"') refuse(name, "string");
    return unescape(value.substr(1, value.size() - 2));
  }
  double number(std::string_view name) { return parse_number<double>(name, "number"); }
  std::int64_t integer(std::string_view name) {
    return parse_number<std::int64_t>(name, "whole number");
  }
  bool boolean(std::string_view name) {
    const std::string_view value = raw(name);
    if (value != "true" && value != "false") refuse(name, "boolean");
    return value == "true";
  }
  bool is_null(std::string_view name) { return raw(name) == "null"; }

  /// The engine's side.
  void assign(std::string_view text) {
    text_ = text;
    parsed_ = false;
  }

 private:
  static constexpr int kDepthMax = 512;

  struct Field {
    std::string_view name;  // Unescaped.
    std::string_view value;
  };

  [[noreturn]] void fail(const char* expected) const {
    throw std::runtime_error("malformed JSON at byte " + std::to_string(at_ - text_.data()) +
                             " of the line: " + expected + " expected");
  }
  [[noreturn]] void refuse(std::string_view name, const char* type) {
    throw std::runtime_error("field '" + std::string(name) + "' of the JSON line is no " + type);
  }

  template <class T>
  T parse_number(std::string_view name, const char* type) {
    const std::string_view value = raw(name);
    T number{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size()) refuse(name, type);
    return number;
  }

  void parse() {
    if (parsed_) return;
    fields_.clear();
    copied_ = 0;
    at_ = text_.data();
    end_ = at_ + text_.size();
    skip_space();
    expect('{', "'{'");
    skip_space();
    if (!take('}')) {
      do {
        skip_space();
        const std::string_view name = scan_string();
        skip_space();
        expect(':', "':'");
        skip_space();
        const char* begin = at_;
        scan_value(0);
        fields_.push_back({unescape(name), {begin, static_cast<std::size_t>(at_ - begin)}});
        skip_space();
      } while (take(','));
      expect('}', "',' or '}'");
    }
    skip_space();
    if (at_ != end_) fail("the end of the line");
    parsed_ = true;
  }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void expect(char c, const char* expected) {
    if (!take(c)) fail(expected);
  }

  /// Returns what stands between the quotes.
  std::string_view scan_string() {
    expect('"', "'\"'");
    const char* begin = at_;
    for (; at_ != end_ && *at_ != '"'; ++at_) {
      if (static_cast<unsigned char>(*at_) < 0x20) fail("a character that is no control character");
      if (*at_ != '\\') continue;
      ++at_;
      if (at_ == end_) break;
      if (*at_ == 'u') {
        for (int i = 0; i < 4; ++i) {
          if (++at_ == end_ || hex(*at_) < 0) fail("a hexadecimal digit");
        }
      } else if (std::string_view("\"\\/bfnrt").find(*at_) == std::string_view::npos) {
        fail("an escape sequence");
      }
    }
    if (at_ == end_) fail("'\"'");
    return {begin, static_cast<std::size_t>(at_++ - begin)};
  }

  void scan_value(int depth) {
    if (depth > kDepthMax) fail("less nesting");
    if (at_ == end_) fail("a value");
    if (*at_ == '"') {
      scan_string();
    } else if (*at_ == '{' || *at_ == '[') {
      scan_composite(depth);
    } else {
      scan_scalar();
    }
  }

  void scan_composite(int depth) {
    const bool object = *at_++ == '{';
    const char close = object ? '}' : ']';
    skip_space();
    if (take(close)) return;
    do {
      skip_space();
      if (object) {
        scan_string();
        skip_space();
        expect(':', "':'");
        skip_space();
      }
      scan_value(depth + 1);
      skip_space();
    } while (take(','));
    expect(close, object ? "',' or '}'" : "',' or ']'");
  }

  void scan_scalar() {
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    for (const std::string_view word : {"true", "false", "null"}) {
      if (rest.starts_with(word)) {
        at_ += word.size();
        return;
      }
    }
    take('-');
    if (!take('0')) scan_digits();
    if (take('.')) scan_digits();
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      scan_digits();
    }
  }

  void scan_digits() {
    if (at_ == end_ || *at_ < '0' || *at_ > '9') fail("a value");
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  }

  static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  }
  static unsigned hex4(const char* at) {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) value = value << 4 | static_cast<unsigned>(hex(at[i]));
    return value;
  }

  static void append_utf8(std::string& out, unsigned code) {
    const auto put = [&](unsigned byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0 | code >> 6);
      put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      put(0xe0 | code >> 12);
      put(0x80 | (code >> 6 & 0x3f));
      put(0x80 | (code & 0x3f));
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
      put(0x80 | (code >> 6 & 0x3f));
      put(0x80 | (code & 0x3f));
    }
  }

  /// `escaped` is a scanned string, so its escapes are whole.
  std::string_view unescape(std::string_view escaped) {
    if (escaped.find('\\') == std::string_view::npos) return escaped;
    if (copied_ == copies_.size()) copies_.push_back(std::make_unique<std::string>());
    std::string& out = *copies_[copied_++];
    out.clear();
    for (std::size_t i = 0; i < escaped.size(); ++i) {
      if (escaped[i] != '\\') {
        out.push_back(escaped[i]);
        continue;
      }
      const char c = escaped[++i];
      if (c != 'u') {
        const std::size_t known = std::string_view("bfnrt").find(c);
        out.push_back(known == std::string_view::npos ? c : "\b\f\n\r\t"[known]);
        continue;
      }
      unsigned code = hex4(&escaped[i + 1]);
      i += 4;
      const bool high = code >= 0xd800 && code < 0xdc00;
      if (high && escaped.substr(i + 1, 2) == "\\u") {
        const unsigned low = hex4(&escaped[i + 3]);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          i += 6;
        }
      }
      // Half a surrogate pair is no character.
      append_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
    }
    return out;
  }

  std::string_view text_;
  bool parsed_ = false;
  const char* at_ = nullptr;
  const char* end_ = nullptr;
  std::vector<Field> fields_;
  std::vector<std::unique_ptr<std::string>> copies_;  // Addresses stay; memory is reused.
  std::size_t copied_ = 0;
};

}  // namespace fanfold
