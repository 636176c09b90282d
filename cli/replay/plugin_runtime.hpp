// A plugin that was built with a sanitizer needs the sanitizer's runtime in its process before
// anything else.  This program has none, so it starts itself once more with it.

#pragma once

#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// Whether the plugin says that it was built with a sanitizer that this program was not built with.
/// False too when it is no plugin: whoever loads it says so.
bool needs_sanitizer(const std::string& plugin);

/// Whether a sanitizer's runtime is in this process.
bool has_sanitizer();

/// Starts `program` with these words in place of this process, with the runtime that the plugin was
/// linked to.  Returns only when that cannot be done.
Status restart_with_runtime(const std::string& plugin, const std::string& program,
                            const std::vector<std::string>& words);

}  // namespace fanfold::cli
