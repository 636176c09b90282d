// Who gives credentials to those that have none of their own: the agent of a container, or a
// security token service for a web token.  From variables, and from a profile.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::s3 {

using Variables = std::function<std::optional<std::string>(const std::string& name)>;

struct ContainerService {
  std::string url;
  bool local = false;      // Of this host: asked past every proxy.
  std::string token;       // What it wants to be shown; may be empty.
  std::string token_file;  // The same, read each time; before `token`.
};

struct WebIdentity {
  std::string role;           // Its ARN.
  std::string token_file;     // Read each time: whoever put it there replaces it before it expires.
  std::string session;        // What the service's log calls us.
  std::string endpoint = {};  // Of the security token service.
};

/// From AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI; nullopt: neither is set.
/// kInvalidArgument: the address is none that may be told who this container is: without TLS it
/// has to be of this host, or one of those where Amazon's agents are.
Result<std::optional<ContainerService>> read_container_service(const Variables& variables);

/// From AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN; nullopt: the first is not set.
/// kInvalidArgument: the second is not.
Result<std::optional<WebIdentity>> read_web_identity(const Variables& variables);

/// Whether the host of a URL is this one, by a loopback address or "localhost", or one of the
/// link-local addresses where Amazon's container agents are.
bool is_local(std::string_view url);

/// "fanfold", when nobody says another.
std::string session_name(const std::optional<std::string>& said);

}  // namespace fanfold::s3
