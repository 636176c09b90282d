// Samples of several processes, put together: which places of which files, how often.
//
// Processes that are sampled append what they saw to files of their own in one directory; whoever
// asked for it reads them all.  Names are found later, where the files are (cli/profile).

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/profile/sampler.hpp"

namespace fanfold {

struct ProfileFrame {
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};
  std::uint32_t module = kNowhere;  // Index into StackProfile::modules.
  std::uint64_t offset = 0;         // In the file; kNowhere: the counter.
  auto operator<=>(const ProfileFrame&) const = default;
};

struct StackProfile {
  struct Module {
    std::string path;
    std::uint64_t bytes = 0;  // Of the file: another host may have another one of this name.
    auto operator<=>(const Module&) const = default;
  };
  std::vector<Module> modules;
  /// Stage and frames, innermost first: how often.  All but the innermost are places before which
  /// the call is.
  std::map<std::pair<Stage, std::vector<ProfileFrame>>, std::uint64_t> stacks;
  std::uint64_t left_out = 0;
  std::uint64_t files = 0;  // Of which it was read.

  std::uint64_t samples() const;
};

/// A file that the memory map of this process has under another name.
struct LoadedAs {
  std::string_view mapped;  // Empty: there is none.
  std::string path;
};

/// Of this process, while its libraries are still mapped.
StackProfile locate(const std::vector<Sample>& samples, std::uint64_t left_out,
                    const LoadedAs& loaded = {});

std::string encode(const StackProfile& profile);
/// Adds what encode() gave, any number of times one after the other.  Total: lines that do not fit
/// are passed over, as is one that a crash cut off; what there is no room for is counted.
void decode(std::string_view text, StackProfile* profile);

/// What the sampler of this process has seen since the last time.
StackProfile take_profile(const LoadedAs& loaded = {});
/// To a file of this process in `directory`, which must be there.  kExhausted: the file has its
/// full size; what is not in it is counted there as left out.
Status append_profile(const std::string& directory, const StackProfile& profile);
/// All files there.  kNotFound: there is no such directory.
Result<StackProfile> read_profiles(const std::string& directory);

}  // namespace fanfold
