// Reads a Map state of the States Language.  docs/patterns/item_jobs.md says what each field means;
// what it does not know is refused with a did-you-mean, never ignored.

#pragma once

#include <map>
#include <string>
#include <string_view>

#include "cli/items/map_state.hpp"
#include "cli/job/job_spec.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct MapText {
  std::string name;  // Of the file, without its extension.
  std::string_view json;
  Json input = Json::object();  // Of the state.
  /// Directories that stand for buckets.
  std::map<std::string, std::string> buckets;
};

/// A Map state, or a state machine that is one Map state.  Plugins that tasks name are described:
/// call it before any thread exists.
Result<MapState> parse_map_state(const Surroundings& surroundings, const MapText& text);

}  // namespace fanfold::cli
