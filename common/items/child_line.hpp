// How children of an item job lie in files: a line each, fields with a TAB between them.  JSON in
// them is written on one line, so that it holds neither TAB nor LF.
//
//   input      INDEX ITEMS INPUT              spaces may follow
//   succeeded  INDEX ITEMS BEGAN ENDED ATTEMPTS INPUT OUTPUT
//   failed     INDEX ITEMS BEGAN ENDED ATTEMPTS INPUT ERROR CAUSE HISTORY
//   pending    as input
//
// Reading is total: any bytes give a child or kCorruption.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::items {

struct Child {
  std::uint64_t index = 0;  // Of all children, from 0.
  std::uint64_t items = 1;  // In it: more than one in a batch.
  std::string_view input;   // JSON.
};

struct SucceededChild {
  Child child;
  std::uint64_t began_ms = 0;  // Since the Unix epoch.
  std::uint64_t ended_ms = 0;
  std::uint64_t attempts = 1;
  std::string_view output;  // JSON.
};

struct FailedChild {
  Child child;
  std::uint64_t began_ms = 0;
  std::uint64_t ended_ms = 0;
  std::uint64_t attempts = 1;
  std::string_view error;    // JSON string.
  std::string_view cause;    // JSON string.
  std::string_view history;  // JSON array: the attempts.
};

/// Without the line feed.
std::string line_of(const Child& child);
std::string line_of(const SucceededChild& child);
std::string line_of(const FailedChild& child);

/// Views into the line.
Result<Child> parse_child(std::string_view line);
Result<SucceededChild> parse_succeeded(std::string_view line);
Result<FailedChild> parse_failed(std::string_view line);

}  // namespace fanfold::items
