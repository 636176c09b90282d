#include "common/items/child_line.hpp"

#include <charconv>

namespace fanfold::items {
namespace {

class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  std::string_view text() {
    const std::size_t tab = rest_.find('\t');
    const std::string_view field = rest_.substr(0, tab);
    ended_ = tab == std::string_view::npos;
    rest_.remove_prefix(ended_ ? rest_.size() : tab + 1);
    if (field.empty()) good_ = false;
    return field;
  }

  /// What the lines of both kinds of ends begin with.
  template <class Ended>
  void begin_of(Ended* one) {
    one->child.index = number();
    one->child.items = number();
    one->began_ms = number();
    one->ended_ms = number();
    one->attempts = number();
    one->child.input = text();
  }

  std::uint64_t number() {
    const std::string_view field = text();
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) good_ = false;
    return value;
  }

  bool complete() const { return good_ && ended_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
  bool ended_ = false;
};

Status damaged(const char* what) {
  return {StatusCode::kCorruption, std::string("a line is no ") + what + " child of an item job"};
}

std::string numbers(std::initializer_list<std::uint64_t> values) {
  std::string text;
  for (const std::uint64_t value : values) text.append(std::to_string(value)).push_back('\t');
  return text;
}

}  // namespace

std::string line_of(const Child& child) {
  return numbers({child.index, child.items}).append(child.input);
}

std::string line_of(const SucceededChild& one) {
  return numbers({one.child.index, one.child.items, one.began_ms, one.ended_ms, one.attempts})
      .append(one.child.input)
      .append("\t")
      .append(one.output);
}

std::string line_of(const FailedChild& one) {
  return numbers({one.child.index, one.child.items, one.began_ms, one.ended_ms, one.attempts})
      .append(one.child.input)
      .append("\t")
      .append(one.error)
      .append("\t")
      .append(one.cause)
      .append("\t")
      .append(one.history);
}

Result<Child> parse_child(std::string_view line) {
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  Fields fields(line);
  Child child;
  child.index = fields.number();
  child.items = fields.number();
  child.input = fields.text();
  if (!fields.complete()) return damaged("waiting");
  return child;
}

Result<SucceededChild> parse_succeeded(std::string_view line) {
  Fields fields(line);
  SucceededChild one;
  fields.begin_of(&one);
  one.output = fields.text();
  if (!fields.complete()) return damaged("succeeded");
  return one;
}

Result<FailedChild> parse_failed(std::string_view line) {
  Fields fields(line);
  FailedChild one;
  fields.begin_of(&one);
  one.error = fields.text();
  one.cause = fields.text();
  one.history = fields.text();
  if (!fields.complete()) return damaged("failed");
  return one;
}

}  // namespace fanfold::items
