// The targets of a scatter, as the words of a command line name them.  What a target is only the
// program or the job knows that is asked: here it is a text.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// A task each, so that each can be late by itself.
inline constexpr std::size_t kTargetsMax = 2048;
inline constexpr std::size_t kTargetBytesMax = 64u << 10;

/// Each word is a target; "@FILE" is a list, one a line, and "-" a list on descriptor `input`.
/// Blank lines are none.  kInvalidArgument: there are none, too many, or one comes twice.
Result<std::vector<std::string>> read_targets(const std::string& working_directory,
                                              const std::vector<std::string>& words, int input);

/// The text that a flag names: TEXT, or the contents of FILE after "@".  At most 16 MiB.
Result<std::string> text_or_file(const std::string& working_directory, const std::string& word);

}  // namespace fanfold::cli
