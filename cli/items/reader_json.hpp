// Where the items of a Map come from and where its results go: ItemReader, ItemsPath, ResultWriter.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cli/items/map_state.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// As many as the States Language allows.
inline constexpr std::uint64_t kItemsMost = 100'000'000;

/// What the names of files are relative to.
struct Places {
  const std::string& working_directory;
  const std::map<std::string, std::string>& buckets;  // Directories by the name of a bucket.
};

/// `state` has its input.
Status read_reader(const Json& map, const Places& places, MapState* state);
Status read_writer(const Json& map, const Places& places, MapState* state);

}  // namespace fanfold::cli
