// Which plugins may run at all: --plugin-allow of master and worker.  Text, as sha256sum prints it:
//
//   64 hexadecimal digits, blanks, anything
//
// Empty lines and those that begin with '#' say nothing.

#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::security {

class PluginList {
 public:
  /// Errors name the file, the line, and what to do.  An empty list allows nothing.
  static Result<PluginList> read(const std::string& path);

  /// kInvalidArgument: not on the list.  `plugin` is what people call it, `sha256` are 64
  /// hexadecimal digits in lower case.
  Status check(std::string_view plugin, std::string_view sha256) const;

 private:
  std::string path_;
  std::set<std::string, std::less<>> digests_;
};

/// Of the option --plugin-allow, which errors name; nullopt when it was not given.
Result<std::optional<PluginList>> read_allowed_plugins(const std::string& path);

}  // namespace fanfold::security
