// The metadata service is a web server at a link-local address of each host at Amazon EC2 (IMDS,
// version 2): a token first, with PUT, so that nobody is tricked into asking for somebody else.

#include "common/s3/credential_source.hpp"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/core/clock.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;

/// It is a hop away, or not there at all.
constexpr Duration kConnectPatience = 1s;
constexpr Duration kPatience = 2s;
constexpr int kTries = 2;
constexpr Duration kPause = 200ms;
/// So long before they expire others are asked for: a request may take a while.
constexpr std::int64_t kAheadSeconds = 300;
/// A service that failed is left alone so long while there are credentials that are good.
constexpr Duration kLeftAlone = 30s;

/// Beside letters and digits, in the name of a role.
constexpr std::string_view kMarks = "+=,.@_-";
constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";

Status nothing_from(const std::string& what, const std::string& why,
                    StatusCode code = StatusCode::kIoError) {
  return {code, what + " " + why};
}

/// There is no such thing here, and there will be none: a service that is turned off says 403, one
/// of another kind 404 or 405.
bool is_no(int status) { return status == 403 || status == 404 || status == 405; }

/// kNotFound: it is answered that there is none.  kUnavailable: nobody is there.  kIoError: all
/// else, which may pass.
Result<std::string> ask_once(HttpSession& session, const HttpRequest& request) {
  const auto exchange = session.start(request);
  const Instant deadline = steady_clock().now() + kPatience;
  while (!exchange->done()) {
    if (steady_clock().now() >= deadline) return nothing_from(request.url, "does not answer");
    session.wait(100ms);
  }
  HttpReply reply = exchange->take_reply();
  if (reply.failure != HttpFailure::kNone) {
    const bool nobody = reply.failure == HttpFailure::kUnreachable;
    return nothing_from(request.url, "is not reached: " + reply.why,
                        nobody ? StatusCode::kUnavailable : StatusCode::kIoError);
  }
  if (reply.status != 200) {
    return nothing_from(request.url, "answers " + std::to_string(reply.status),
                        is_no(reply.status) ? StatusCode::kNotFound : StatusCode::kIoError);
  }
  return std::move(reply.body);
}

void pause(HttpSession& session) {
  const Instant end = steady_clock().now() + kPause;
  for (Instant now = steady_clock().now(); now < end; now = steady_clock().now()) {
    session.wait(end - now);
  }
}

Result<std::string> ask_for(HttpSession& session, const HttpRequest& request) {
  Result<std::string> answer = ask_once(session, request);
  for (int tries = 1; tries < kTries; ++tries) {
    if (answer.ok() || answer.status().code() == StatusCode::kNotFound) break;
    pause(session);
    answer = ask_once(session, request);
  }
  return answer;
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

Result<std::string> token_of(HttpSession& session, const std::string& endpoint) {
  return ask_for(session, question("PUT", endpoint + "/latest/api/token",
                                   "x-aws-ec2-metadata-token-ttl-seconds: 300"));
}

Result<std::string> read_metadata(HttpSession& session, const std::string& endpoint,
                                  const std::string& token, const std::string& path) {
  return ask_for(session, question("GET", endpoint + path, "x-aws-ec2-metadata-token: " + token));
}

std::string first_line(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

/// Letters that go into a path or a header as they are; a role is called nothing else.
bool is_plain(const std::string& name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || kMarks.find(c) != kMarks.npos;
  });
}

/// "2026-01-31T12:00:00Z"; 0: it is none.
std::int64_t unix_seconds(const std::string& text) {
  std::tm when{};
  const char* const rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &when);
  return rest == nullptr ? 0 : static_cast<std::int64_t>(::timegm(&when));
}

/// Still in so many seconds.
bool is_good(const TemporaryCredentials& given, std::int64_t in_seconds) {
  return given.expires == 0 || std::time(nullptr) < given.expires - in_seconds;
}

}  // namespace

Result<TemporaryCredentials> parse_instance_credentials(std::string_view json) {
  const auto parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  const auto text = [&parsed](const char* name) {
    const auto found = parsed.is_object() ? parsed.find(name) : parsed.end();
    return found != parsed.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  TemporaryCredentials given;
  given.credentials = {text("AccessKeyId"), text("SecretAccessKey"), text("Token"), ""};
  given.expires = unix_seconds(text("Expiration"));
  const std::string code = text("Code");
  if ((!code.empty() && code != "Success") || given.credentials.access_key.empty() ||
      given.credentials.secret_key.empty() || given.expires == 0) {
    return Status(StatusCode::kIoError,
                  "gives no credentials" + (code.empty() ? std::string() : " but says " + code));
  }
  return given;
}

std::shared_ptr<const Credentials> CredentialSource::credentials_of(const Kept& kept) {
  return {kept, &kept->credentials};
}

Result<std::shared_ptr<const Credentials>> CredentialSource::current(HttpSession& session) {
  Kept kept;
  Instant next_ask;
  {
    MutexLock lock(mutex_);
    if (!kept_ && settings_.metadata.empty()) {
      kept_ = std::make_shared<TemporaryCredentials>(TemporaryCredentials{settings_.credentials});
    }
    kept = kept_;
    next_ask = next_ask_;
  }
  const bool left_alone = kept && steady_clock().now() < next_ask;
  if (kept && is_good(*kept, left_alone ? 0 : kAheadSeconds)) return credentials_of(kept);
  // Several threads may ask at once: each gets some that are good.
  Result<Kept> fresh = ask(session);
  MutexLock lock(mutex_);
  if (fresh.ok()) {
    kept_ = *fresh;
    return credentials_of(kept_);
  }
  // Others may have got some meanwhile, and asking takes a while.
  if (kept_ && is_good(*kept_, 0)) {
    next_ask_ = steady_clock().now() + kLeftAlone;
    return credentials_of(kept_);
  }
  if (kept_) {
    return nothing_from("S3: the credentials that this host was given have expired, and",
                        fresh.status().message());
  }
  const bool passes = fresh.status().code() == StatusCode::kIoError;
  return Status(passes ? StatusCode::kIoError : StatusCode::kInvalidArgument,
                settings_.no_credentials + " (" + fresh.status().message() + ")");
}

Result<CredentialSource::Kept> CredentialSource::ask(HttpSession& session) const {
  const std::string& endpoint = settings_.metadata;
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
  return Kept(std::make_shared<TemporaryCredentials>(*std::move(given)));
}

Result<std::string> CredentialSource::region(HttpSession& session) const {
  const std::string& endpoint = settings_.metadata;
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
