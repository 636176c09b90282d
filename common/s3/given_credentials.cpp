#include "common/s3/given_credentials.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace fanfold::s3 {
namespace {

/// The agents of Amazon ECS and of EKS Pod Identity.
constexpr const char* kEcsAgent = "http://169.254.170.2";
constexpr std::string_view kAgents[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};

std::optional<std::string> set_to(const Variables& variables, const char* name) {
  std::optional<std::string> value = variables(name);
  return value && !value->empty() ? value : std::nullopt;
}

Status refused(const std::string& message) {
  return {StatusCode::kInvalidArgument, "S3: " + message};
}

/// Empty: whatever is there is no plain host, with a port or without.  Names of users, of which an
/// address may be made to look like another, are none.
std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  std::string_view host = url.substr(scheme + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  const bool plain = std::all_of(host.begin(), host.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  });
  if (!plain) return {};
  const std::size_t end = host.starts_with('[') ? host.find(']') + 1 : host.find(':');
  return host.substr(0, end);
}

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  return host == "localhost" || host == "[::1]";
}

}  // namespace

bool is_local(std::string_view url) {
  const std::string host(host_of(url));
  return is_loopback(host) ||
         std::find(std::begin(kAgents), std::end(kAgents), host) != std::end(kAgents);
}

Result<std::optional<ContainerService>> read_container_service(const Variables& variables) {
  const auto relative = set_to(variables, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto full = set_to(variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative && !full) return std::optional<ContainerService>();
  ContainerService service;
  if (relative) {
    if (!relative->starts_with('/')) {
      return refused("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is '" + *relative +
                     "'; it has to begin with a slash");
    }
    service.url = kEcsAgent + *relative;
  } else {
    service.url = *full;
  }
  service.local = is_local(service.url);
  const bool safe = service.url.starts_with("https://") && !host_of(service.url).empty();
  if (!safe && !(service.local && service.url.starts_with("http://"))) {
    return refused("AWS_CONTAINER_CREDENTIALS_FULL_URI is '" + service.url +
                   "'; without https:// it has to name this host (127.0.0.1, localhost, [::1]) or "
                   "an agent of Amazon's (169.254.170.2, 169.254.170.23, [fd00:ec2::23])");
  }
  service.token = set_to(variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  service.token_file = set_to(variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or("");
  const bool one_line = std::all_of(service.token.begin(), service.token.end(),
                                    [](char c) { return c != '\r' && c != '\n'; });
  if (!one_line) {
    return refused("AWS_CONTAINER_AUTHORIZATION_TOKEN has a line end, which no token has");
  }
  return std::optional(std::move(service));
}

Result<std::optional<WebIdentity>> read_web_identity(const Variables& variables) {
  const auto file = set_to(variables, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (!file) return std::optional<WebIdentity>();
  const auto role = set_to(variables, "AWS_ROLE_ARN");
  if (!role) {
    return refused(
        "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN, which names the role to take, is "
        "not");
  }
  return std::optional(
      WebIdentity{*role, *file, session_name(set_to(variables, "AWS_ROLE_SESSION_NAME"))});
}

std::string session_name(const std::optional<std::string>& said) {
  return said.value_or("fanfold");
}

}  // namespace fanfold::s3
