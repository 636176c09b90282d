// The metadata service is a web server at a link-local address of each host at Amazon EC2 (IMDS,
// version 2): a token first, with PUT, so that nobody is tricked into asking for somebody else.

#include <algorithm>
#include <utility>

#include "common/s3/credential_service.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;

/// It is a hop away, or not there at all.
constexpr Duration kConnectPatience = 1s;
constexpr Duration kPatience = 2s;

/// Beside letters and digits, in the name of a role.
constexpr std::string_view kMarks = "+=,.@_-";
constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";

/// There is no such thing here, and there will be none: a service that is turned off says 403, one
/// of another kind 404 or 405.
bool is_no(const HttpReply& reply) {
  return reply.status == 403 || reply.status == 404 || reply.status == 405;
}

/// What a host is told is not for a proxy, which would be told what is its own.
HttpRequest question(std::string method, std::string url, std::string header) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers = {std::move(header)};
  request.direct = true;
  request.connect_max = kConnectPatience;
  return request;
}

Result<std::string> ask_for(HttpSession& session, const HttpRequest& request) {
  return ask_service(session, request, {kPatience, is_no});
}

Result<std::string> token_of(HttpSession& session, const std::string& endpoint) {
  return ask_for(session, question("PUT", endpoint + "/latest/api/token",
                                   "x-aws-ec2-metadata-token-ttl-seconds: 300"));
}

Result<std::string> read_metadata(HttpSession& session, const std::string& endpoint,
                                  const std::string& token, const std::string& path) {
  return ask_for(session, question("GET", endpoint + path, "x-aws-ec2-metadata-token: " + token));
}

/// Letters that go into a path or a header as they are; a role is called nothing else.
bool is_plain(const std::string& name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

}  // namespace

Result<TemporaryCredentials> ask_instance(HttpSession& session, const std::string& endpoint) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string token, token_of(session, endpoint));
  const std::string roles(kRoles);
  FANFOLD_ASSIGN_OR_RETURN(const std::string listed,
                           read_metadata(session, endpoint, first_line(token), roles));
  const std::string role = first_line(listed);
  if (!is_plain(role)) return nothing_from(endpoint, "names no role of this host");
  const std::string path = roles + role;
  const auto json = read_metadata(session, endpoint, first_line(token), path);
  // It was just said that there is this role.
  if (!json.ok()) return Status(StatusCode::kIoError, json.status().message());
  auto given = parse_instance_credentials(*json);
  if (!given.ok()) return nothing_from(endpoint + path, given.status().message());
  if (!is_good(*given, 0)) {
    return nothing_from(endpoint + path,
                        "gives credentials that have expired by this host's clock");
  }
  given->credentials.source = "role " + role + " of this host";
  return given;
}

Result<std::string> ask_instance_region(HttpSession& session, const std::string& endpoint) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string token, token_of(session, endpoint));
  const auto text =
      read_metadata(session, endpoint, first_line(token), "/latest/meta-data/placement/region");
  if (!text.ok()) {
    const bool none = text.status().code() == StatusCode::kNotFound;
    return Status(none ? StatusCode::kNotFound : StatusCode::kIoError, text.status().message());
  }
  std::string region = first_line(*text);
  if (!is_plain(region)) return nothing_from(endpoint, "names no region: set AWS_REGION");
  return region;
}

}  // namespace fanfold::s3
