// Asks addr2line or llvm-symbolizer, whichever is installed, about addresses of one file.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fanfold::worker {

/// By address: one line a function, inlined ones first: "function at file.cpp:12".
using SourceLines = std::map<std::uint64_t, std::vector<std::string>>;

/// Without a tool, or for addresses it does not know: nothing.  Runs it without a shell and gives
/// up after a few seconds.
SourceLines source_lines(const std::string& file, const std::vector<std::uint64_t>& addresses);

}  // namespace fanfold::worker
