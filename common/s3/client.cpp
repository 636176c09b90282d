#include "common/s3/client.hpp"

#include <algorithm>

#include "common/core/check.hpp"
#include "common/core/clock.hpp"
#include "common/s3/xml.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;

constexpr int kTriesWhenNeverReached = 3;
constexpr Duration kPauseFirst = 100ms;
constexpr Duration kPauseMax = 3s;
/// A server that keeps a connection alive while it completes a large upload sends a blank now and
/// then: so many silences are borne without more than that ...
constexpr int kSilencesBorne = 30;
/// ... and one more for each so many bytes.
constexpr std::uint64_t kBytesPerSilence = 16u << 10;

std::string path_of(const Location& object) { return "s3://" + object.bucket + "/" + object.key; }

/// Of "https://host:port/base".
struct Address {
  std::string scheme;
  std::string host;
  std::string base;
};

Address address_of(const std::string& endpoint) {
  Address address;
  const std::size_t slashes = endpoint.find("://") + 3;
  const std::size_t slash = std::min(endpoint.find('/', slashes), endpoint.size());
  address.scheme = endpoint.substr(0, slashes);
  address.host = endpoint.substr(slashes, slash - slashes);
  address.base = endpoint.substr(slash);
  // The Host header has no port where it is the usual one.
  const std::string usual = address.scheme == "https://" ? ":443" : ":80";
  if (address.host.ends_with(usual)) {
    address.host.erase(address.host.size() - usual.size());
  }
  return address;
}

/// A name with dots fits no wildcard certificate.
bool in_host_name(const Settings& settings, const std::string& bucket) {
  return !settings.path_style && bucket.find_first_of("._") == std::string::npos;
}

bool may_pass(const Answer& answer) {
  if (answer.status >= 500) return answer.status != 501;
  return answer.status == 429 || answer.status == 408 || answer.error == "RequestTimeout" ||
         answer.error == "SlowDown" || answer.error == "OperationAborted" ||
         answer.error == "ConditionalRequestConflict";
}

Answer answer_of(HttpReply reply) {
  Answer answer;
  answer.status = reply.status;
  answer.headers = std::move(reply.headers);
  answer.body = std::move(reply.body);
  answer.taken = reply.taken;
  // Some calls say 200 at once and what became of them at the end.
  const bool late = answer.ok() && answer.body.find("<Error>") != std::string::npos &&
                    !elements(answer.body, "Error").empty();
  if (late) answer.status = 500;
  if (answer.ok()) return answer;
  answer.error = text_of(answer.body, "Code").value_or("");
  answer.message = text_of(answer.body, "Message").value_or("");
  return answer;
}

}  // namespace

std::string Answer::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

Result<std::unique_ptr<Client>> Client::make(const Settings& settings) {
  return make(settings, std::make_shared<CredentialSource>(settings));
}

Result<std::unique_ptr<Client>> Client::make(const Settings& settings,
                                             std::shared_ptr<CredentialSource> source) {
  FANFOLD_ASSIGN_OR_RETURN(auto session, HttpSession::make());
  return std::unique_ptr<Client>(new Client(settings, std::move(source), std::move(session)));
}

std::string Client::endpoint() const {
  if (!settings_.endpoint.empty()) return settings_.endpoint;
  return "https://s3." + settings_.region + ".amazonaws.com";
}

std::unique_ptr<Client::Pending> Client::start(Call call) {
  std::unique_ptr<Pending> pending(new Pending(std::move(call)));
  try_once(*pending);
  return pending;
}

void Client::try_once(Pending& pending) {
  const Call& call = pending.call_;
  auto credentials = source_->current(*session_);
  ++pending.tries_;
  if (!credentials.ok()) {
    const bool passes = credentials.status().code() == StatusCode::kIoError;
    if (passes) return try_again_or(pending, credentials.status());
    pending.outcome_ = credentials.status();
    return;
  }
  signed_with_ = *std::move(credentials);
  Address address = address_of(endpoint());
  std::string path = address.base + "/";
  if (in_host_name(settings_, call.object.bucket)) {
    address.host = call.object.bucket + "." + address.host;
  } else {
    path += call.object.bucket + (call.object.key.empty() ? "" : "/");
  }
  SignedRequest request;
  request.method = call.method;
  request.host = address.host;
  request.path = path + encode_path(call.object.key);
  request.query = call.query;
  request.headers = call.headers;
  request.body = call.body;
  request.body_unsigned = call.is_part && !settings_.signs_parts;
  HttpRequest http;
  http.method = call.method;
  http.url = address.scheme + address.host + request.path;
  if (!call.query.empty()) http.url += "?" + encode_query(call.query);
  for (const auto& [name, value] : call.headers) http.headers.push_back(name + ": " + value);
  // Signed anew each time: a signature is good for some minutes only.
  const Fields added = sign(request, *signed_with_, settings_.region, std::time(nullptr));
  for (const auto& [name, value] : added) http.headers.push_back(name + ": " + value);
  http.body = call.body;
  http.into = call.into;
  pending.waited_ = {};
  pending.exchange_ = session_->start(std::move(http));
}

void Client::move_on(std::span<Pending* const> pending) {
  session_->pump();
  for (Pending* const one : pending) look_at(*one);
}

void Client::look_at(Pending& pending) {
  if (pending.done()) return;
  if (pending.exchange_ == nullptr) {
    if (steady_clock().now() >= pending.next_try_) try_once(pending);
  } else if (pending.exchange_->done()) {
    conclude(pending);
  }
}

Result<Answer> Client::finish(Pending& awaited, std::span<Pending* const> others) {
  // Nobody moved it on before: that was no silence of the server's.
  const Instant waiting_since = steady_clock().now();
  while (true) {
    move_on(others);
    look_at(awaited);
    if (awaited.done()) break;
    const Instant now = steady_clock().now();
    if (awaited.exchange_ == nullptr) {
      session_->wait(std::clamp<Duration>(awaited.next_try_ - now, 1ms, 100ms));
    } else {
      session_->wait(100ms);
      awaited.waited_ += steady_clock().now() - now;
      give_up_silent(awaited, waiting_since);
    }
  }
  FANFOLD_CHECK(awaited.outcome_.has_value());
  return *std::move(awaited.outcome_);
}

bool Client::drips(const Pending& pending) const {
  const std::uint64_t earned = pending.exchange_->bytes_moved() / kBytesPerSilence;
  return pending.waited_ / settings_.silence_max >=
         static_cast<std::int64_t>(kSilencesBorne + earned);
}

void Client::give_up_silent(Pending& pending, Instant waiting_since) {
  if (pending.exchange_ == nullptr || pending.exchange_->done()) return;
  const Instant quiet_since = std::max(pending.exchange_->latest_move(), waiting_since);
  const bool silent_too_long = steady_clock().now() - quiet_since >= settings_.silence_max;
  if (!silent_too_long && !drips(pending)) return;
  pending.exchange_.reset();
  if (!pending.failing_since_) pending.failing_since_ = quiet_since;
  HttpReply silent;
  silent.failure = HttpFailure::kSilent;
  try_again_or(pending, failure(pending.call_, silent, pending.tries_));
}

void Client::conclude(Pending& pending) {
  HttpReply reply = pending.exchange_->take_reply();
  pending.exchange_.reset();
  if (reply.overflowed) {
    // Asked for some bytes, it sends others.
    pending.outcome_ =
        Status(StatusCode::kIoError, "the S3 server at " + endpoint() + " sends more of " +
                                         path_of(pending.call_.object) + " than it was asked for");
    return;
  }
  reached_ |= reply.status != 0;
  if (reply.failure != HttpFailure::kNone) {
    Status status = failure(pending.call_, reply, pending.tries_);
    if (reply.failure == HttpFailure::kUntrusted) {
      pending.outcome_ = std::move(status);
    } else {
      try_again_or(pending, std::move(status));
    }
    return;
  }
  Answer answer = answer_of(std::move(reply));
  if (may_pass(answer)) {
    try_again_or(pending, refusal(pending.call_, answer));
  } else {
    pending.outcome_ = std::move(answer);
  }
}

void Client::try_again_or(Pending& pending, Status status) {
  const Instant now = steady_clock().now();
  if (!pending.failing_since_) pending.failing_since_ = now;
  const bool hopeless = !reached_ && pending.tries_ >= kTriesWhenNeverReached;
  if (hopeless || now - *pending.failing_since_ >= settings_.patience) {
    pending.outcome_ = std::move(status);
    return;
  }
  const Duration pause = std::min(kPauseMax, kPauseFirst * (1 << std::min(pending.tries_ - 1, 8)));
  // Between half of it and all: many that were refused together do not come back together.
  dice_ = dice_ * 1664525u + 1013904223u + static_cast<std::uint32_t>(now.since_origin.count());
  pending.next_try_ = now + pause / 2 + pause / 2 * (dice_ >> 24) / 256;
}

Result<Answer> Client::perform(Call call) {
  const std::unique_ptr<Pending> pending = start(std::move(call));
  return finish(*pending);
}

Status Client::failure(const Call& call, const HttpReply& reply, int tries) const {
  const std::string tried = tries > 1 ? " (tried " + std::to_string(tries) + " times)" : "";
  const std::string where = "the S3 endpoint " + endpoint();
  switch (reply.failure) {
    case HttpFailure::kUnreachable:
      return {StatusCode::kIoError, "cannot reach " + where + ": " + reply.why + tried +
                                        "; check the endpoint (AWS_ENDPOINT_URL) and the network"};
    case HttpFailure::kUntrusted:
      return {StatusCode::kInvalidArgument, where + " cannot be trusted: " + reply.why};
    case HttpFailure::kSilent:
      return {StatusCode::kIoError, where + " does not answer" + tried + ", asked for " +
                                        path_of(call.object) +
                                        ": it is overloaded, or its storage hangs"};
    case HttpFailure::kBroken:
    case HttpFailure::kNone:
      break;
  }
  return {StatusCode::kIoError, "the connection to " + where + " broke" + tried + " at " +
                                    path_of(call.object) + ": " + reply.why};
}

Status Client::refusal(const Call& call, const Answer& answer) const {
  const std::string path = path_of(call.object);
  const std::string& error = answer.error;
  const Credentials& own = signed_with_ ? *signed_with_ : settings_.credentials;
  const std::string key = "access key " + own.access_key + " (from " + own.source + ")";
  const auto refused = [](std::string why) {
    return Status(StatusCode::kInvalidArgument, std::move(why));
  };
  if (error == "NoSuchBucket") {
    return refused("there is no bucket '" + call.object.bucket + "' at " + endpoint() +
                   ": check its name and the endpoint");
  }
  const std::string region = answer.header("x-amz-bucket-region");
  if (answer.status == 301 || error == "AuthorizationHeaderMalformed" ||
      error == "PermanentRedirect" || error == "IllegalLocationConstraintException") {
    const std::string right = region.empty() ? text_of(answer.body, "Region").value_or("") : region;
    return refused("bucket '" + call.object.bucket + "' is not in region " + settings_.region +
                   (right.empty() ? ": " + answer.message : " but in " + right) +
                   "; set AWS_REGION" + (right.empty() ? "" : "=" + right));
  }
  if (error == "RequestTimeTooSkewed") {
    return refused("this host's clock differs too much from the S3 server's, which has " +
                   answer.header("date") + ": set the clock");
  }
  if (error == "InvalidAccessKeyId") {
    return refused(endpoint() + " does not know the " + key);
  }
  if (error == "SignatureDoesNotMatch") {
    return refused("the secret key does not belong to the " + key + ": " + endpoint() +
                   " refuses the signature");
  }
  if (error == "ExpiredToken" || error == "InvalidToken") {
    return refused("the session token of the " + key + " is not valid any more");
  }
  if (error == "QuotaExceeded" || error == "InsufficientStorage" || answer.status == 507) {
    return {StatusCode::kNoSpace, "no space for " + path + ": " + error};
  }
  if (answer.status == 403) return refused("access to " + path + " is denied to the " + key);
  if (answer.status == 404) return {StatusCode::kNotFound, "there is no " + path};
  return {StatusCode::kIoError, "the S3 server at " + endpoint() + " refuses " + call.method + " " +
                                    path + ": " + std::to_string(answer.status) + " " + error +
                                    (answer.message.empty() ? "" : ", " + answer.message)};
}

}  // namespace fanfold::s3
