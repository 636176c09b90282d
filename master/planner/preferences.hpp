// Which splits are near which hosts, by the names of their files.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::master {

/// Neighbouring splits of which most is near the hosts of one preference, or of none.
struct PreferenceRun {
  std::optional<std::size_t> preference;  // Of the spec's.
  std::uint32_t count = 0;
};

/// The pattern means the file itself, or a directory above it.
bool is_below(std::string_view pattern, std::string_view path);

/// Of all splits, in their order; empty when no file is near anything.  What lies on a host is read
/// there and prefers nothing.  A preference that no file matches gets a note.
std::vector<PreferenceRun> find_preferences(const std::vector<proto::Preference>& prefer,
                                            const std::vector<proto::Split>& splits,
                                            std::vector<std::string>* notes);

}  // namespace fanfold::master
