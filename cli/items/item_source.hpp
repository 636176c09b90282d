// The items of a Map, one after the other: nothing but the item at hand is kept in memory.

#pragma once

#include <functional>

#include "cli/items/map_state.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {

/// False: it wants no more.  An error ends the walk.
using VisitItem = std::function<Result<bool>(Json item)>;

/// In order.  kNotFound, kCorruption: the source is not there, or not what it should be; the
/// message names the file and the line or byte.
Status for_each_item(io::FileSystem& files, const MapState& state, const VisitItem& visit);

}  // namespace fanfold::cli
