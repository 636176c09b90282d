// Whose name requests are signed in: the credentials of the settings, or, where those have none,
// temporary ones that a service gives (to whoever holds a web token, to a container, to a host),
// asked for again before they expire.

#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/s3/credential_service.hpp"
#include "common/s3/http_session.hpp"
#include "common/s3/settings.hpp"

namespace fanfold::s3 {

/// Thread-safe.
class CredentialSource {
 public:
  explicit CredentialSource(Settings settings) : settings_(std::move(settings)) {}

  /// Not expired.  `session` is the caller's.  kInvalidArgument: this host has none, and where they
  /// were looked for.  kIoError: it may have some, but the service does not give them now.
  Result<std::shared_ptr<const Credentials>> current(HttpSession& session);

  /// The region that this host of Amazon EC2 is in.  kNotFound: the service does not know regions.
  /// kIoError: it gives none now, or one with strange letters.
  Result<std::string> region(HttpSession& session) const;

 private:
  using Kept = std::shared_ptr<const TemporaryCredentials>;
  static std::shared_ptr<const Credentials> credentials_of(const Kept& kept);
  Result<Kept> ask(HttpSession& session) const;

  const Settings settings_;
  Mutex mutex_;
  Kept kept_ FANFOLD_GUARDED_BY(mutex_);         // Stays when it has expired: there were some.
  Instant next_ask_ FANFOLD_GUARDED_BY(mutex_);  // While what is kept is good; after a failure.
};

}  // namespace fanfold::s3
