#include "common/s3/credential_service.hpp"

#include <algorithm>
#include <cctype>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/core/clock.hpp"
#include "common/s3/xml.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;

constexpr int kTries = 2;
constexpr Duration kPause = 200ms;
/// Of what a service says why it refuses.
constexpr std::size_t kDetailBytes = 200;
constexpr std::size_t kTokenBytes = 64u << 10;

/// What the body of an error says, in the XML or JSON of these services; else nothing.
std::string detail_of(const HttpReply& reply) {
  std::string code = text_of(reply.body, "Code").value_or("");
  std::string message = text_of(reply.body, "Message").value_or("");
  const auto json = nlohmann::json::parse(reply.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    const auto text = [&json](const char* name) {
      const auto found = json.find(name);
      return found != json.end() && found->is_string() ? found->get<std::string>() : "";
    };
    code = text("code");
    message = text("message");
  }
  if (code.empty() && message.empty()) return {};
  return " (" + code + (code.empty() || message.empty() ? "" : ": ") +
         message.substr(0, kDetailBytes) + ")";
}

Result<std::string> ask_once(HttpSession& session, const HttpRequest& request,
                             const ServiceManners& manners) {
  const auto exchange = session.start(request);
  const Instant deadline = steady_clock().now() + manners.patience;
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
    return nothing_from(request.url, "answers " + std::to_string(reply.status) + detail_of(reply),
                        manners.refuses(reply) ? StatusCode::kNotFound : StatusCode::kIoError);
  }
  return std::move(reply.body);
}

void pause(HttpSession& session) {
  const Instant end = steady_clock().now() + kPause;
  for (Instant now = steady_clock().now(); now < end; now = steady_clock().now()) {
    session.wait(end - now);
  }
}

}  // namespace

bool is_good(const TemporaryCredentials& given, std::int64_t in_seconds) {
  return given.expires == 0 || std::time(nullptr) < given.expires - in_seconds;
}

std::int64_t unix_seconds(const std::string& text) {
  std::tm when{};
  const char* const rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &when);
  return rest == nullptr ? 0 : static_cast<std::int64_t>(::timegm(&when));
}

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

Status nothing_from(const std::string& what, const std::string& why, StatusCode code) {
  return {code, what + " " + why};
}

Result<std::string> ask_service(HttpSession& session, const HttpRequest& request,
                                const ServiceManners& manners) {
  Result<std::string> answer = ask_once(session, request, manners);
  for (int tries = 1; tries < kTries; ++tries) {
    if (answer.ok() || answer.status().code() == StatusCode::kNotFound) break;
    pause(session);
    answer = ask_once(session, request, manners);
  }
  return answer;
}

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string token(kTokenBytes, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  if (!file.is_open() || file.bad()) {
    return Status(StatusCode::kNotFound, "the token in " + path + " cannot be read");
  }
  token.resize(static_cast<std::size_t>(file.gcount()));
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back())) != 0) {
    token.pop_back();
  }
  const bool plain = std::all_of(token.begin(), token.end(), [](char c) { return c >= ' '; });
  if (token.empty() || !plain || token.size() == kTokenBytes) {
    return Status(StatusCode::kNotFound, "what is in " + path + " is no token");
  }
  return token;
}

std::string first_line(const std::string& text) {
  std::string line = text.substr(0, text.find('\n'));
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

}  // namespace fanfold::s3
