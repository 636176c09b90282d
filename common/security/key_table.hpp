// The keys that a master accepts.  On disk: a first line, and a line for each key,
//
//   fanfold-keys 1
//   NAME ROLE PUBLIC-KEY ADDED UNTIL JOBS SUBMISSIONS TASKS BYTES
//
// with times in seconds since the Unix epoch; UNTIL 0: for good; quotas 0: none.  A name has two
// keys while the old one of a rotation is still accepted.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/security/keys.hpp"

namespace fanfold::security {

struct KeyEntry {
  KeyHolder holder;
  std::int64_t added = 0;
  std::int64_t until = 0;
  bool valid_at(std::int64_t now) const { return until == 0 || now < until; }
};

class KeyTable {
 public:
  /// kCorruption names the line.
  static Result<KeyTable> parse(std::string_view text);
  std::string format() const;

  std::vector<KeyEntry>& entries() { return entries_; }
  const std::vector<KeyEntry>& entries() const { return entries_; }

  /// Looks at every entry, whichever matches.
  std::optional<KeyHolder> find(const PublicKey& key, std::int64_t now) const;
  /// When one of them ends to be valid next.
  std::optional<std::int64_t> next_end(std::int64_t now) const;

 private:
  std::vector<KeyEntry> entries_;
};

}  // namespace fanfold::security
