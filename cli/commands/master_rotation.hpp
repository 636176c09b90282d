// `keys rotate master`: another key for the master itself, while all who know it by the first find
// it.

#pragma once

#include <cstdint>
#include <string>

#include "cli/options/command_line.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// The name that no other key can have.
inline constexpr const char* kMasterName = "master";

/// One step, which `arguments` name, in the keys of `directory`; says what comes next on standard
/// error, and prints the key files that were told.
Status rotate_master(const std::string& directory, const Arguments& arguments, std::int64_t now);

}  // namespace fanfold::cli
