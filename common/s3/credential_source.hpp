// Whose name requests are signed in: the credentials of the settings, or, where those have none,
// temporary ones that the cloud gives this host (instance profiles), asked for again before they
// expire.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "common/s3/http_session.hpp"
#include "common/s3/settings.hpp"

namespace fanfold::s3 {

struct TemporaryCredentials {
  Credentials credentials;
  std::int64_t expires = 0;  // Seconds since the Unix epoch; 0: never.
};

/// What the metadata service says of a role; kIoError when it says something else.
Result<TemporaryCredentials> parse_instance_credentials(std::string_view json);

/// Thread-safe.
class CredentialSource {
 public:
  /// `settings` outlive it.
  explicit CredentialSource(const Settings& settings) : settings_(settings) {}

  /// Good for some minutes.  `session` is the caller's.  kInvalidArgument: there are none, and
  /// where they were looked for.
  Result<std::shared_ptr<const Credentials>> current(HttpSession& session);

  /// The region that this host is in; kIoError when nobody says.
  Result<std::string> region(HttpSession& session) const;

 private:
  using Kept = std::shared_ptr<const TemporaryCredentials>;
  static std::shared_ptr<const Credentials> credentials_of(const Kept& kept);
  Result<Kept> ask(HttpSession& session) const;

  const Settings& settings_;
  Mutex mutex_;
  Kept kept_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::s3
