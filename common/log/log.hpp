// The log of a daemon: one event per line, "noun.verb_past key=value ...".
//
// Values are passed, not sentences.  A line whose level is off costs one comparison.  This header
// knows nothing of where lines go; log.cpp does.  Not for what user code prints: that goes to the
// master with its attempt.  A Log belongs to one thread.

#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "common/core/status.hpp"

namespace fanfold {

enum class LogLevel : std::uint8_t { kDebug = 0, kInfo = 1, kWarn = 2, kError = 3, kOff = 4 };

/// "debug", "info", "warn", "error" or "off".
Result<LogLevel> parse_log_level(std::string_view name);

/// One key=value of a line; borrows its text until the call that logs it returns.
struct LogField {
  LogField(std::string_view key, std::string_view text) : name(key), value(text) {}
  LogField(std::string_view key, const std::string& text) : name(key), value(text) {}
  LogField(std::string_view key, const char* text) : name(key), value(std::string_view(text)) {}
  template <class Integer>
  requires std::is_integral_v<Integer> LogField(std::string_view key, Integer number) : name(key) {
    if constexpr (std::is_signed_v<Integer>) {
      value = static_cast<std::int64_t>(number);
    } else {
      value = static_cast<std::uint64_t>(number);
    }
  }

  std::string_view name;
  std::variant<std::string_view, std::int64_t, std::uint64_t> value;
};

class Log {
 public:
  /// Writes nothing.
  Log();
  ~Log();
  Log(Log&& other) noexcept;
  Log& operator=(Log&& other) noexcept;

  /// Appends to `file`; an empty name means standard error.
  static Result<Log> open(const std::string& file, LogLevel level);

  void debug(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::kDebug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::kInfo, event, fields);
  }
  void warn(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::kWarn, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields) {
    write(LogLevel::kError, event, fields);
  }

 private:
  struct Sink;

  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
    if (level >= level_) write_line(level, event, fields);
  }
  void write_line(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);

  LogLevel level_ = LogLevel::kOff;
  std::unique_ptr<Sink> sink_;
};

}  // namespace fanfold
