// One record that could not be mapped, kept with its origin and its error: a line of JSON in the
// file _DEAD_LETTERS of an output.  docs/disk_format.md explains every field.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::io {

/// Begins with '_', so that a job that reads the directory does not take it for data.
inline constexpr const char* kDeadLettersName = "_DEAD_LETTERS";
/// Of one record; what is longer is cut, and is still found in its file.
inline constexpr std::size_t kDeadLetterRecordBytes = 1u << 20;

struct DeadLetter {
  std::uint64_t job = 0;
  std::string job_name;
  std::uint32_t split = 0;  // Its map task.
  std::uint64_t attempt = 0;
  std::uint32_t attempt_number = 1;
  std::string file;
  std::string tag;            // Declared input that the file belongs to, or empty.
  std::uint64_t offset = 0;   // In the (decompressed) file.
  std::uint64_t bytes = 0;    // Of the whole record, with its line end.
  std::uint64_t xxh3_64 = 0;  // Of the same.
  std::string error;          // "Task.Exception", ...
  std::string reason;
  std::vector<std::string> stack;  // Innermost first; empty when nobody saw it.
  std::string correlation_id;      // The same in all letters of one submission.
  std::string record;              // At most kDeadLetterRecordBytes.
};

/// With its line feed.
std::string to_line(const DeadLetter& letter);

/// Total: any text gives a letter or kCorruption.
Result<DeadLetter> parse_dead_letter(std::string_view line);

/// Calls `visit` for the letters of an output, in the order of the input; an error of it ends the
/// walk.  There are none when there is no such file.  kCorruption names the line.
Status for_each_dead_letter(FileSystem& files, const std::string& directory,
                            const std::function<Status(const DeadLetter&)>& visit);

/// Where a record lies that a letter tells of.
struct DeadLetterPlace {
  std::string file;
  std::string tag;
  std::uint64_t offset = 0;  // In the (decompressed) file.
  std::uint64_t bytes = 0;
  std::uint64_t xxh3_64 = 0;
};
/// Of all letters of an output, files by name and each from front to back.  kCorruption also when
/// two letters tell of one record.
Result<std::vector<DeadLetterPlace>> dead_letter_places(FileSystem& files,
                                                        const std::string& directory);

}  // namespace fanfold::io
