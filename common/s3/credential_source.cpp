#include "common/s3/credential_source.hpp"

#include <utility>

#include "common/core/clock.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;

/// So long before they expire others are asked for: a request may take a while.
constexpr std::int64_t kAheadSeconds = 300;
/// A service that failed is left alone so long while there are credentials that are good.
constexpr Duration kLeftAlone = 30s;

}  // namespace

std::shared_ptr<const Credentials> CredentialSource::credentials_of(const Kept& kept) {
  return {kept, &kept->credentials};
}

Result<std::shared_ptr<const Credentials>> CredentialSource::current(HttpSession& session) {
  Kept kept;
  Instant next_ask;
  {
    MutexLock lock(mutex_);
    if (!kept_ && !settings_.are_given()) {
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
  auto given = settings_.web_identity ? ask_web_identity(session, *settings_.web_identity)
               : settings_.container  ? ask_container(session, *settings_.container)
                                      : ask_instance(session, settings_.metadata);
  if (!given.ok()) return given.status();
  return Kept(std::make_shared<TemporaryCredentials>(*std::move(given)));
}

Result<std::string> CredentialSource::region(HttpSession& session) const {
  return ask_instance_region(session, settings_.metadata);
}

}  // namespace fanfold::s3
