// Inputs that lie on the hosts of workers: "host://NAME/var/log/syslog", with wildcards in both.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::inputs {

bool is_host_input(std::string_view input);

struct HostInput {
  std::string_view host;  // A name, or a pattern of names.
  std::string_view path;  // Of the host: begins with '/', or is empty.
};
/// Of what is_host_input(); borrows from it.
HostInput split_host_input(std::string_view input);
/// "host://NAME/path"
std::string host_path(std::string_view host, std::string_view path);

/// Letters, digits, '.', '_' and '-', not too many.
bool is_host_name(std::string_view name);
/// kInvalidArgument when no path of a host may look like that: relative, "..", control characters.
Status check_path_on_host(std::string_view path);
/// The same of the whole input, which may be a pattern.
Status check_host_input(std::string_view input);

/// `path` is one of these directories or below one.  By its letters: nothing is looked at.
bool is_within(std::string_view path, const std::vector<std::string>& directories);

/// What the workers of a host let jobs read by the name of the host.
struct HostInputs {
  std::string host;                      // Empty: it has no name that fits.
  std::vector<std::string> directories;  // And what is below.  None: nothing.
};

}  // namespace fanfold::inputs
