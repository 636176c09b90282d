// One CSV record (RFC 4180): comma-separated fields, double quotes around fields that hold commas,
// quotes (doubled) or line ends.  Fields are views into the input; only a field with doubled quotes
// is copied, into memory that the row reuses.

#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace fanfold {

class CsvRow {
 public:
  std::size_t size() const { return fields_.size(); }
  /// The field without its quotes.  Throws when the row is too short.
  std::string_view operator[](std::size_t index) const {
    if (index >= fields_.size()) {
      throw std::out_of_range("the CSV record has " + std::to_string(fields_.size()) +
                              " fields, and field " + std::to_string(index) +
                              " (from 0) is asked for");
    }
    return fields_[index];
  }
  /// The field in the column of that name; needs `static constexpr bool csv_header = true`.
  std::string_view field(std::string_view name) const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return (*this)[i];
    }
    throw std::out_of_range("the CSV header has no column '" + std::string(name) + "'");
  }
  bool has(std::string_view name) const {
    for (const std::string& known : names_) {
      if (known == name) return true;
    }
    return false;
  }
  /// The record as it stands in the file, without its line end.
  std::string_view text() const { return text_; }

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

  /// The engine's side: names the columns from the file's first record.
  void use_header(std::string_view header) {
    if (header == header_) return;
    header_ = header;
    names_.clear();
    if (header.empty()) return;
    parse(header_.data(), header_.data() + header_.size());
    for (const std::string_view name : fields_) names_.emplace_back(name);
  }

  /// Reads the record at `at` and returns where the next one begins.  Throws when a quoted field
  /// does not end.
  const char* parse(const char* at, const char* end) {
    const char* const begin = at;
    fields_.clear();
    std::size_t copied = 0;
    for (;;) {
      at = at != end && *at == '"' ? quoted_field(at, end, copied) : plain_field(at, end, copied);
      if (at == end || *at != ',') break;
      ++at;
    }
    text_ = std::string_view(begin, static_cast<std::size_t>(at - begin));
    if (at != end && *at == '\r') ++at;
    return at == end ? at : at + 1;
  }

  /// An empty line.
  bool blank() const { return text_.empty(); }

 private:
  static bool ends_line(const char* at, const char* end) {
    return *at == '\n' || (*at == '\r' && at + 1 != end && at[1] == '\n');
  }

  const char* plain_field(const char* at, const char* end, std::size_t& copied) {
    const char* const begin = at;
    while (at != end && *at != ',' && !ends_line(at, end)) {
      if (*at == '"') return odd_field(begin, end, copied);
      ++at;
    }
    fields_.emplace_back(begin, static_cast<std::size_t>(at - begin));
    return at;
  }

  const char* quoted_field(const char* at, const char* end, std::size_t& copied) {
    const auto* close =
        static_cast<const char*>(std::memchr(at + 1, '"', static_cast<std::size_t>(end - at - 1)));
    if (close == nullptr) throw std::runtime_error("a quoted CSV field does not end");
    if (close + 1 != end && close[1] != ',' && !ends_line(close + 1, end)) {
      return odd_field(at, end, copied);
    }
    fields_.emplace_back(at + 1, static_cast<std::size_t>(close - at - 1));
    return close + 1;
  }

  /// Doubled quotes, and quotes where none should be.  A record ends at the first line end after an
  /// even number of quotes, whatever the fields look like: splits are cut by the same rule.
  const char* odd_field(const char* at, const char* end, std::size_t& copied) {
    const char* const begin = at;
    const bool opened = *begin == '"';
    bool quoted = false;
    bool closed = !opened;
    std::string& copy = next_copy(copied);
    for (; at != end && (quoted || (*at != ',' && !ends_line(at, end))); ++at) {
      if (*at != '"') {
        copy.push_back(*at);
      } else if (quoted && at + 1 != end && at[1] == '"') {
        copy.push_back(*at++);
      } else {
        quoted = !quoted;
        const bool frames_the_field = at == begin || (!quoted && !closed);
        if (!frames_the_field) copy.push_back('"');
        if (!quoted) closed = true;
      }
    }
    if (quoted) throw std::runtime_error("a quoted CSV field does not end");
    fields_.emplace_back(copy);
    return at;
  }

  std::string& next_copy(std::size_t& copied) {
    if (copied == copies_.size()) copies_.push_back(std::make_unique<std::string>());
    std::string& copy = *copies_[copied++];
    copy.clear();
    return copy;
  }

  std::string_view text_;
  std::vector<std::string_view> fields_;
  std::vector<std::unique_ptr<std::string>> copies_;  // Addresses stay; memory is reused.
  std::string header_;
  std::vector<std::string> names_;
};

}  // namespace fanfold
