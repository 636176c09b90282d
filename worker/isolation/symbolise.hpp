// Turns the raw program counters of a dead executor into lines for people.

#pragma once

#include <string>
#include <vector>

#include "worker/isolation/crash_report.hpp"

namespace fanfold::worker {

/// Innermost first: "function at file.cpp:12".  Source lines of the plugin come from addr2line or
/// llvm-symbolizer when one is installed; names otherwise from symbol tables.  Frames of the engine
/// below the plugin are left out.  Blocks for up to some seconds: not for an event loop.
std::vector<std::string> symbolise(CrashReport report, const std::string& plugin);

}  // namespace fanfold::worker
