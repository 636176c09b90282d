#include "common/io/dead_letter.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <tuple>

namespace fanfold::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kExcerptBytes = 200;
/// Base64 of a record, its reason, its stack.
constexpr std::size_t kLineBytes = 4u << 20;
constexpr std::size_t kReadBytes = 1u << 20;
constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= have ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

/// False: not base64 as to_base64() writes it.
bool from_base64(std::string_view text, std::string* bytes) {
  const std::string_view digits = kDigits;
  bytes->clear();
  if (text.size() % 4 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    std::size_t have = 4;
    if (last && text[i + 3] == '=') have = text[i + 2] == '=' ? 2 : 3;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t value = k < have ? digits.find(text[i + k]) : 0;
      if (value == std::string_view::npos) return false;
      bits = bits << 6 | static_cast<std::uint32_t>(value);
    }
    for (std::size_t k = 0; k + 1 < have; ++k) {
      *bytes += static_cast<char>(bits >> (16 - 8 * k) & 255);
    }
  }
  return true;
}

std::string hex(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

bool take(const Json& json, const char* name, std::string* text) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return false;
  *text = found->get<std::string>();
  return true;
}

template <class Number>
bool take(const Json& json, const char* name, Number* number) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_unsigned()) return false;
  const auto value = found->get<std::uint64_t>();
  *number = static_cast<Number>(value);
  return *number == value;
}

bool take_stack(const Json& json, std::vector<std::string>* stack) {
  const auto found = json.find("stack");
  if (found == json.end() || !found->is_array()) return false;
  for (const Json& line : *found) {
    if (!line.is_string()) return false;
    stack->push_back(line.get<std::string>());
  }
  return true;
}

bool take_checksum(const Json& json, std::uint64_t* checksum) {
  std::string text;
  if (!take(json, "xxh3_64", &text) || text.size() != 16) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 16, *checksum, 16);
  return error == std::errc() && end == text.data() + 16;
}

bool take_record(const Json& json, std::string* record) {
  std::string text;
  return take(json, "record_base64", &text) && from_base64(text, record);
}

}  // namespace

std::string to_line(const DeadLetter& letter) {
  Json json;
  json["job"] = letter.job;
  json["job_name"] = letter.job_name;
  json["task"] = "map/" + std::to_string(letter.split);
  json["split"] = letter.split;
  json["attempt"] = letter.attempt;
  json["attempt_number"] = letter.attempt_number;
  json["file"] = letter.file;
  json["tag"] = letter.tag;
  json["offset"] = letter.offset;
  json["bytes"] = letter.bytes;
  json["xxh3_64"] = hex(letter.xxh3_64);
  json["error"] = letter.error;
  json["reason"] = letter.reason;
  json["stack"] = letter.stack;
  json["correlation_id"] = letter.correlation_id;
  json["excerpt"] = letter.record.substr(0, kExcerptBytes);
  json["record_base64"] = to_base64(letter.record);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<DeadLetter> parse_dead_letter(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  DeadLetter letter;
  const bool whole = json.is_object() && take(json, "job", &letter.job) &&
                     take(json, "job_name", &letter.job_name) &&
                     take(json, "split", &letter.split) && take(json, "attempt", &letter.attempt) &&
                     take(json, "attempt_number", &letter.attempt_number) &&
                     take(json, "file", &letter.file) && take(json, "tag", &letter.tag) &&
                     take(json, "offset", &letter.offset) && take(json, "bytes", &letter.bytes) &&
                     take_checksum(json, &letter.xxh3_64) && take(json, "error", &letter.error) &&
                     take(json, "reason", &letter.reason) && take_stack(json, &letter.stack) &&
                     take(json, "correlation_id", &letter.correlation_id) &&
                     take_record(json, &letter.record);
  if (!whole) return Status(StatusCode::kCorruption, "not a dead letter");
  return letter;
}

Status for_each_dead_letter(FileSystem& files, const std::string& directory,
                            const std::function<Status(const DeadLetter&)>& visit) {
  const std::string path = directory + "/" + kDeadLettersName;
  const auto file = files.open(path);
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) return {};
  if (!file.ok()) return file.status();
  std::string rest;
  std::string buffer(kReadBytes, '\0');
  std::uint64_t number = 0;
  for (std::uint64_t offset = 0;;) {
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, (*file)->read_at(offset, buffer));
    offset += count;
    rest.append(buffer, 0, count);
    std::size_t done = 0;
    for (std::size_t end = 0; (end = rest.find('\n', done)) != std::string::npos; done = end + 1) {
      ++number;
      const auto letter = parse_dead_letter(std::string_view(rest).substr(done, end - done));
      if (!letter.ok()) {
        return letter.status().with_context(path + ", line " + std::to_string(number));
      }
      FANFOLD_RETURN_IF_ERROR(visit(*letter));
    }
    rest.erase(0, done);
    if (count == 0 || rest.size() > kLineBytes) break;
  }
  if (rest.empty()) return {};
  return Status(StatusCode::kCorruption,
                path + ", line " + std::to_string(number + 1) + ": it has no end");
}

Result<std::vector<DeadLetterPlace>> dead_letter_places(FileSystem& files,
                                                        const std::string& directory) {
  std::vector<DeadLetterPlace> places;
  FANFOLD_RETURN_IF_ERROR(
      for_each_dead_letter(files, directory, [&places](const DeadLetter& letter) {
        places.push_back({letter.file, letter.tag, letter.offset, letter.bytes, letter.xxh3_64});
        return Status();
      }));
  const auto key = [](const DeadLetterPlace& place) {
    return std::tie(place.file, place.tag, place.offset);
  };
  std::sort(places.begin(), places.end(),
            [&key](const auto& a, const auto& b) { return key(a) < key(b); });
  const auto twice =
      std::adjacent_find(places.begin(), places.end(),
                         [&key](const auto& a, const auto& b) { return key(a) == key(b); });
  if (twice == places.end()) return places;
  return Status(StatusCode::kCorruption, directory + "/" + kDeadLettersName +
                                             " tells twice of the record at byte " +
                                             std::to_string(twice->offset) + " of " + twice->file +
                                             ": that file was named twice as an input, or the "
                                             "letters are damaged");
}

}  // namespace fanfold::io
