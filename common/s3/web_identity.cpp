// A security token service (STS) gives the credentials of a role to whoever holds a web token that
// its owner trusts: Kubernetes puts such tokens into pods, as files.  That request is not signed.

#include <algorithm>
#include <chrono>

#include "common/s3/credential_service.hpp"
#include "common/s3/signature.hpp"
#include "common/s3/xml.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;

constexpr Duration kConnectPatience = 5s;
constexpr Duration kPatience = 10s;

/// Another token may be there soon, and who checks them, too.
constexpr std::string_view kPassing[] = {"ExpiredToken", "ExpiredTokenException",
                                         "IDPCommunicationError", "Throttling",
                                         "ThrottlingException"};

bool is_no(const HttpReply& reply) {
  if (reply.status < 400 || reply.status >= 500 || reply.status == 429) return false;
  const std::string code = text_of(reply.body, "Code").value_or("");
  return std::find(std::begin(kPassing), std::end(kPassing), code) == std::end(kPassing);
}

Result<TemporaryCredentials> parse(const std::string& xml, const std::string& endpoint) {
  const auto text = [&xml](const char* name) { return text_of(xml, name).value_or(""); };
  TemporaryCredentials given;
  given.credentials = {text("AccessKeyId"), text("SecretAccessKey"), text("SessionToken"), ""};
  given.expires = unix_seconds(text("Expiration"));
  if (given.credentials.access_key.empty() || given.credentials.secret_key.empty() ||
      given.expires == 0) {
    return nothing_from(endpoint, "gives no credentials");
  }
  return given;
}

}  // namespace

Result<TemporaryCredentials> ask_web_identity(HttpSession& session, const WebIdentity& identity) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string token, read_token(identity.token_file));
  const std::string body = encode_query({{"Action", "AssumeRoleWithWebIdentity"},
                                         {"Version", "2011-06-15"},
                                         {"RoleArn", identity.role},
                                         {"RoleSessionName", identity.session},
                                         {"WebIdentityToken", token}});
  HttpRequest request;
  request.method = "POST";
  request.url = identity.endpoint + "/";
  request.headers = {"Content-Type: application/x-www-form-urlencoded"};
  request.body = body;
  request.direct = is_local(identity.endpoint);
  request.connect_max = kConnectPatience;
  const auto xml = ask_service(session, request, {kPatience, is_no});
  if (!xml.ok()) {
    const bool no = xml.status().code() == StatusCode::kNotFound;
    return Status(no ? StatusCode::kNotFound : StatusCode::kIoError, xml.status().message());
  }
  FANFOLD_ASSIGN_OR_RETURN(TemporaryCredentials given, parse(*xml, identity.endpoint));
  if (!is_good(given, 0)) {
    return nothing_from(identity.endpoint,
                        "gives credentials that have expired by this host's clock");
  }
  given.credentials.source = "role " + identity.role + ", by the token in " + identity.token_file;
  return given;
}

}  // namespace fanfold::s3
