// One line of an event log, written straight into a buffer: a master writes two for every task, so
// nothing is built that is then copied.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

/// Appends `text` as a JSON string, in quotes.  Bytes that are no UTF-8 become U+FFFD; of more than
/// `bytes_max` bytes the rest is left out, and "..." says so.
void append_json_text(std::string_view text, std::size_t bytes_max, std::string* out);

/// {"event":EVENT,"time":TIME, the fields in the order of the calls }
class JsonLine {
 public:
  /// `time_us`: microseconds since the Unix epoch.  `out` gets the line and must outlive this.
  JsonLine(std::string* out, std::string_view event, std::uint64_t time_us);
  /// Ends the line.
  ~JsonLine() { out_.append("}\n"); }
  JsonLine(const JsonLine&) = delete;
  JsonLine& operator=(const JsonLine&) = delete;

  JsonLine& text(std::string_view name, std::string_view value);
  JsonLine& number(std::string_view name, std::uint64_t value);
  /// As in `fanfold logs`: "map-3".
  JsonLine& task(std::string_view name, const TaskId& task);
  JsonLine& stage(Stage stage);
  /// In quotes: it may be larger than what a double holds.
  JsonLine& id(AttemptId attempt);
  JsonLine& flag(std::string_view name, bool value);
  JsonLine& texts(std::string_view name, std::span<const std::string> values);
  JsonLine& numbers(std::string_view name, std::span<const std::uint64_t> values);
  /// [{"key":TEXT,"partition":N,"bytes":N}, ...]
  JsonLine& hot_keys(std::string_view name, std::span<const proto::HotKey> keys);
  JsonLine& counters(std::string_view name, const std::map<std::string, std::int64_t>& values);

 private:
  void begin_field(std::string_view name);

  std::string& out_;
};

}  // namespace fanfold::master
