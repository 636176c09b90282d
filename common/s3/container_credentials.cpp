// An agent beside the container gives credentials at a local address, in the JSON of the metadata
// service of hosts; some want a token to be shown.

#include <chrono>

#include "common/s3/credential_service.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;

constexpr Duration kConnectPatience = 2s;
constexpr Duration kPatience = 5s;

bool is_no(const HttpReply& reply) {
  return reply.status == 400 || reply.status == 401 || reply.status == 403 || reply.status == 404;
}

}  // namespace

Result<TemporaryCredentials> ask_container(HttpSession& session, const ContainerService& service) {
  HttpRequest request;
  request.url = service.url;
  request.headers = {"Accept: application/json"};
  request.direct = service.local;
  request.connect_max = kConnectPatience;
  std::string token = service.token;
  if (!service.token_file.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(token, read_token(service.token_file));
  }
  if (!token.empty()) request.headers.push_back("Authorization: " + token);
  const auto json = ask_service(session, request, {kPatience, is_no});
  if (!json.ok()) {
    // Somebody said that it is there: it will be again.
    const bool no = json.status().code() == StatusCode::kNotFound;
    return Status(no ? StatusCode::kNotFound : StatusCode::kIoError, json.status().message());
  }
  auto given = parse_instance_credentials(*json);
  if (!given.ok()) return nothing_from(service.url, given.status().message());
  if (!is_good(*given, 0)) {
    return nothing_from(service.url, "gives credentials that have expired by this host's clock");
  }
  given->credentials.source = "this container, from " + service.url;
  return given;
}

}  // namespace fanfold::s3
