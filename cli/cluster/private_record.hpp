// The JSON files in which a cluster's directory keeps what `cluster up` has made: whole, mode 0600.

#pragma once

#include <exception>
#include <optional>
#include <string>

#include "common/core/status.hpp"
#include "common/security/private_file.hpp"

namespace fanfold::cli {

/// nullopt: there is none.  `parse` makes a std::optional<Record> of the text; kCorruption, which
/// ends with `advice`, when that is nullopt or it throws a std::exception, as nlohmann-json does of
/// what is no JSON and of fields of another type.
template <class Record, class Parse>
Result<std::optional<Record>> read_private_record(const std::string& path, Parse parse,
                                                  const std::string& advice) {
  constexpr std::size_t kBytesMax = 4u << 20;
  const Result<std::string> text = security::read_private_file(path, kBytesMax);
  if (text.status().code() == StatusCode::kNotFound) return std::optional<Record>();
  if (!text.ok()) return text.status();
  std::optional<Record> record;
  try {
    record = parse(*text);
  } catch (const std::exception&) {
    // Damaged, as what is unsound.
  }
  if (record) return record;
  return Status(StatusCode::kCorruption, path + " is damaged. " + advice);
}

}  // namespace fanfold::cli
