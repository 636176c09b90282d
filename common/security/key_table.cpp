#include "common/security/key_table.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "common/core/limits.hpp"
#include "common/security/key_file.hpp"

namespace fanfold::security {
namespace {

constexpr const char* kFirstLine = "fanfold-keys 1";

std::optional<KeyEntry> parse_line(const std::string& line) {
  std::istringstream words(line);
  KeyEntry entry;
  std::string role;
  std::string key;
  words >> entry.holder.name >> role >> key >> entry.added >> entry.until >>
      entry.holder.quota.jobs >> entry.holder.quota.submissions >> entry.holder.quota.tasks >>
      entry.holder.quota.bytes;
  const auto known = parse_role(role);
  const auto bytes = parse_hex(key);
  std::string surplus;
  if (!words || words >> surplus || !known || !bytes || !is_key_name(entry.holder.name) ||
      entry.until < 0) {
    return std::nullopt;
  }
  entry.holder.role = *known;
  entry.holder.key.bytes = *bytes;
  return entry;
}

}  // namespace

Result<KeyTable> KeyTable::parse(std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) {
    return Status(StatusCode::kCorruption,
                  "the first line is not '" + std::string(kFirstLine) + "'");
  }
  KeyTable table;
  for (std::size_t number = 2; std::getline(lines, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    auto entry = parse_line(line);
    // One that cannot be read might be one that was to be revoked: no guesses.
    if (!entry) {
      return Status(StatusCode::kCorruption,
                    "line " + std::to_string(number) +
                        " is not NAME ROLE PUBLIC-KEY ADDED UNTIL JOBS SUBMISSIONS TASKS BYTES");
    }
    table.entries_.push_back(*std::move(entry));
  }
  return table;
}

std::string KeyTable::format() const {
  std::ostringstream text;
  text << kFirstLine << "\n";
  for (const KeyEntry& entry : entries_) {
    text << entry.holder.name << ' ' << name_of(entry.holder.role) << ' '
         << to_hex(entry.holder.key.bytes) << ' ' << entry.added << ' ' << entry.until << ' '
         << entry.holder.quota.jobs << ' ' << entry.holder.quota.submissions << ' '
         << entry.holder.quota.tasks << ' ' << entry.holder.quota.bytes << '\n';
  }
  return text.str();
}

std::optional<KeyHolder> KeyTable::find(const PublicKey& key, std::int64_t now) const {
  const KeyEntry* found = nullptr;
  for (const KeyEntry& entry : entries_) {
    if (equal_in_constant_time(entry.holder.key, key) && entry.valid_at(now)) found = &entry;
  }
  if (found == nullptr) return std::nullopt;
  return found->holder;
}

std::optional<std::int64_t> KeyTable::next_end(std::int64_t now) const {
  std::optional<std::int64_t> next;
  for (const KeyEntry& entry : entries_) {
    if (entry.until > now && (!next || entry.until < *next)) next = entry.until;
  }
  return next;
}

}  // namespace fanfold::security
