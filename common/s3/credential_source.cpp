// The metadata service is a web server at a link-local address of each host of a cloud (IMDS,
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
constexpr Duration kPatience = 2s;
constexpr int kTries = 2;
/// So long before they expire others are asked for: a request may take a while.
constexpr std::int64_t kAheadSeconds = 300;

/// Beside letters and digits, in the name of a role.
constexpr std::string_view kMarks = "+=,.@_-";
constexpr std::string_view kRoles = "/latest/meta-data/iam/security-credentials/";

Status nothing_from(const std::string& what, const std::string& why) {
  return {StatusCode::kIoError, what + " " + why};
}

Result<std::string> ask_once(HttpSession& session, const HttpRequest& request) {
  const auto exchange = session.start(request);
  const Instant deadline = steady_clock().now() + kPatience;
  while (!exchange->done()) {
    if (steady_clock().now() >= deadline) return nothing_from(request.url, "does not answer");
    session.wait(100ms);
  }
  HttpReply reply = exchange->take_reply();
  if (reply.failure != HttpFailure::kNone) {
    return nothing_from(request.url, "is not reached: " + reply.why);
  }
  if (reply.status != 200) {
    return nothing_from(request.url, "answers " + std::to_string(reply.status));
  }
  return std::move(reply.body);
}

Result<std::string> ask_for(HttpSession& session, const HttpRequest& request) {
  Result<std::string> answer = ask_once(session, request);
  for (int tries = 1; tries < kTries && !answer.ok(); ++tries) answer = ask_once(session, request);
  return answer;
}

Result<std::string> token_of(HttpSession& session, const std::string& endpoint) {
  return ask_for(session, {.method = "PUT",
                           .url = endpoint + "/latest/api/token",
                           .headers = {"x-aws-ec2-metadata-token-ttl-seconds: 300"},
                           .body = {},
                           .into = {}});
}

Result<std::string> read_metadata(HttpSession& session, const std::string& endpoint,
                                  const std::string& token, const std::string& path) {
  return ask_for(session, {.method = "GET",
                           .url = endpoint + path,
                           .headers = {"x-aws-ec2-metadata-token: " + token},
                           .body = {},
                           .into = {}});
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
  {
    MutexLock lock(mutex_);
    if (!kept_ && settings_.metadata.empty()) {
      kept_ = std::make_shared<TemporaryCredentials>(TemporaryCredentials{settings_.credentials});
    }
    kept = kept_;
  }
  const std::int64_t now = std::time(nullptr);
  if (kept && (kept->expires == 0 || now < kept->expires - kAheadSeconds)) {
    return credentials_of(kept);
  }
  // Several threads may ask at once: each gets some that are good.
  Result<Kept> fresh = ask(session);
  if (!fresh.ok()) {
    if (kept && now < kept->expires) return credentials_of(kept);
    return Status(StatusCode::kInvalidArgument,
                  settings_.no_credentials + " (" + fresh.status().message() + ")");
  }
  MutexLock lock(mutex_);
  kept_ = *fresh;
  return credentials_of(kept_);
}

Result<CredentialSource::Kept> CredentialSource::ask(HttpSession& session) const {
  const std::string& endpoint = settings_.metadata;
  FANFOLD_ASSIGN_OR_RETURN(const std::string token, token_of(session, endpoint));
  const std::string roles(kRoles);
  FANFOLD_ASSIGN_OR_RETURN(const std::string listed,
                           read_metadata(session, endpoint, first_line(token), roles));
  const std::string role = first_line(listed);
  if (!is_plain(role)) return nothing_from(endpoint, "names no role of this host");
  FANFOLD_ASSIGN_OR_RETURN(const std::string json,
                           read_metadata(session, endpoint, first_line(token), roles + role));
  auto given = parse_instance_credentials(json);
  if (!given.ok()) return nothing_from(endpoint + roles + role, given.status().message());
  given->credentials.source = "role " + role + " of this host";
  return Kept(std::make_shared<TemporaryCredentials>(*std::move(given)));
}

Result<std::string> CredentialSource::region(HttpSession& session) const {
  FANFOLD_ASSIGN_OR_RETURN(const std::string token, token_of(session, settings_.metadata));
  FANFOLD_ASSIGN_OR_RETURN(const std::string text,
                           read_metadata(session, settings_.metadata, first_line(token),
                                         "/latest/meta-data/placement/region"));
  std::string region = first_line(text);
  if (!is_plain(region)) return nothing_from(settings_.metadata, "names no region");
  return region;
}

}  // namespace fanfold::s3
