// The one place that knows spdlog.

#include "common/log/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdio>
#include <exception>
#include <utility>

namespace fanfold {
namespace {

/// Longer values are cut: a log line is for reading.
constexpr std::size_t kValueBytes = 1024;

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

/// Quotes what would not read as one word; newlines become \n, so a line stays a line.
void append_text(std::string_view text, std::string* line) {
  const bool cut = text.size() > kValueBytes;
  text = text.substr(0, kValueBytes);
  bool plain = !text.empty() && !cut;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == 0x7f) plain = false;
  }
  if (plain) {
    line->append(text);
    return;
  }
  line->push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line->push_back('\\');
      line->push_back(c);
    } else if (c == '\n') {
      line->append("\\n");
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      line->push_back('?');
    } else {
      line->push_back(c);
    }
  }
  line->append(cut ? "...\"" : "\"");
}

}  // namespace

struct Log::Sink {
  explicit Sink(spdlog::sink_ptr sink) : logger("fanfold", std::move(sink)) {}
  spdlog::logger logger;
  std::string line;
};

Result<LogLevel> parse_log_level(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "warn") return LogLevel::kWarn;
  if (name == "error") return LogLevel::kError;
  if (name == "off") return LogLevel::kOff;
  return Status(
      StatusCode::kInvalidArgument,
      "log level '" + std::string(name) + "' is unknown: use one of debug, info, warn, error, off");
}

Log::Log() = default;
Log::~Log() = default;
Log::Log(Log&& other) noexcept = default;
Log& Log::operator=(Log&& other) noexcept = default;

Result<Log> Log::open(const std::string& file, LogLevel level) {
  Log log;
  log.level_ = level;
  if (level == LogLevel::kOff) return log;
  try {
    spdlog::sink_ptr sink;
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_st>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(file);
    }
    log.sink_ = std::make_unique<Sink>(std::move(sink));
    log.sink_->logger.set_level(spdlog_level(level));
    log.sink_->logger.flush_on(spdlog::level::info);
    log.sink_->logger.set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  } catch (const std::exception& error) {
    return Status(StatusCode::kIoError, "cannot open the log file: " + std::string(error.what()));
  }
  return log;
}

void Log::write_line(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields) {
  if (!sink_) return;
  std::string& line = sink_->line;
  line.assign(event);
  for (const LogField& field : fields) {
    line.push_back(' ');
    line.append(field.name);
    line.push_back('=');
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      append_text(*text, &line);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      line.append(std::to_string(*number));
    } else {
      line.append(std::to_string(std::get<std::uint64_t>(field.value)));
    }
  }
  // spdlog reports its own failures (a full disk) to standard error and goes on.
  sink_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace fanfold
