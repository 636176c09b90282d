// Services that give credentials: how they are asked, and what an answer says.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/s3/http_session.hpp"
#include "common/s3/settings.hpp"

namespace fanfold::s3 {

struct TemporaryCredentials {
  Credentials credentials;
  std::int64_t expires = 0;  // Seconds since the Unix epoch; 0: never.
};

/// Still in so many seconds.
bool is_good(const TemporaryCredentials& given, std::int64_t in_seconds);

/// "2026-01-31T12:00:00Z"; 0: it is none.
std::int64_t unix_seconds(const std::string& text);

/// What a metadata service says of a role, in JSON; kIoError when it says something else.
Result<TemporaryCredentials> parse_instance_credentials(std::string_view json);

/// kIoError: the service at `what` gives nothing, and why.
Status nothing_from(const std::string& what, const std::string& why,
                    StatusCode code = StatusCode::kIoError);

struct ServiceManners {
  Duration patience;                        // With one answer.
  bool (*refuses)(const HttpReply& reply);  // Not 200: for good, or is it in trouble?
};

/// The body of an answer 200; asks twice.  kNotFound: it refuses.  kUnavailable: nobody is there.
/// kIoError: all else, which may pass.
Result<std::string> ask_service(HttpSession& session, const HttpRequest& request,
                                const ServiceManners& manners);

/// The contents of a small file that others replace now and then, a token, without blanks at its
/// end.  kNotFound: it is not there or holds no token.
Result<std::string> read_token(const std::string& path);

/// Without what a line end or a blank at its end adds.
std::string first_line(const std::string& text);

// Each of those who give some; all errors as from ask_service().

/// Amazon EC2 (IMDSv2), of the role of the host.
Result<TemporaryCredentials> ask_instance(HttpSession& session, const std::string& endpoint);
/// kNotFound: the service does not know regions.  kIoError: it gives none now, or one with strange
/// letters.
Result<std::string> ask_instance_region(HttpSession& session, const std::string& endpoint);
/// The agent of a container: Amazon ECS, EKS Pod Identity and the like.
Result<TemporaryCredentials> ask_container(HttpSession& session, const ContainerService& service);
/// A security token service, of a role that the holder of a web token may have.
Result<TemporaryCredentials> ask_web_identity(HttpSession& session, const WebIdentity& identity);

}  // namespace fanfold::s3
