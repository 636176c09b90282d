// Samples with names, from the files on this host.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/profile/stack_profile.hpp"

namespace fanfold::cli {

enum class Owner : std::uint8_t { kUser = 0, kFanfold = 1, kSystem = 2 };

struct Function {
  std::string name;
  Owner owner = Owner::kSystem;
  auto operator<=>(const Function&) const = default;
};

/// Outermost first; how often each was seen.
using Stacks = std::map<std::vector<Function>, std::uint64_t>;

/// By stage.  Functions of the plugin are told with those that were inlined into them, where
/// addr2line or llvm-symbolizer is installed; others by their symbols.  What lies in a file that is
/// another one here gets the name of the file.
std::map<Stage, Stacks> name_stacks(const StackProfile& profile, const std::string& plugin);

}  // namespace fanfold::cli
