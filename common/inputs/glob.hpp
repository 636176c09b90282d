// Shell patterns over paths: * ? [a-z] [!a-z] \x within a name, ** for any number of directories.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/inputs/file_collector.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::inputs {

bool has_wildcard(std::string_view pattern);

/// One name against one component of a pattern.
bool matches(std::string_view pattern, std::string_view name);

/// Gives every path that matches to the collector; directories that match are walked.  Finding
/// nothing is fine here.  `pattern` is absolute, or
/// begins with a scheme and what it is the root of: "s3://bucket/".
Status expand_glob(io::FileSystem& files, const std::string& pattern, const std::string& tag,
                   FileCollector& collector);

}  // namespace fanfold::inputs
