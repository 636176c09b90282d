// Length-prefixed fields in a string: how two processes of the same program, parent and forked
// child, tell each other small things.  Not for the wire between hosts and not for disk:
// common/proto and common/io own those.  Reading is total: after the first field that does not
// fit, ok() is false and every value is empty.

#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fanfold::worker {

class FieldWriter {
 public:
  void number(std::uint64_t value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    text_.append(bytes, sizeof value);
  }
  void text(std::string_view value) {
    number(value.size());
    text_.append(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  std::uint64_t number() {
    std::uint64_t value = 0;
    if (!has(sizeof value)) return 0;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  /// Borrowed from the bytes given to the constructor.
  std::string_view text() {
    const std::uint64_t size = number();
    if (!has(size)) return {};
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  /// Of a list whose elements take at least one number each.
  std::uint64_t count() {
    const std::uint64_t value = number();
    if (value > rest_.size() / sizeof value) ok_ = false;
    return ok_ ? value : 0;
  }

 private:
  bool has(std::uint64_t size) {
    if (size > rest_.size()) ok_ = false;
    return ok_;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace fanfold::worker
