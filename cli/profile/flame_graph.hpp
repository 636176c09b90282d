// Stacks as a flame graph: an SVG that needs nothing else.  A bar is a function; what it called
// stands on it, as wide as its share of the samples.

#pragma once

#include <map>
#include <string>

#include "cli/profile/stacks.hpp"

namespace fanfold::cli {

/// One graph for each stage, below each other.  `title` is shown above them.
std::string flame_graph_svg(const std::string& title, const std::map<Stage, Stacks>& stages);

}  // namespace fanfold::cli
