// What one key may use of a cluster.

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/security/keys.hpp"

namespace fanfold::master {

/// Of one job, or of several.
struct JobSize {
  std::uint64_t tasks = 0;  // Maps and reduces.
  std::uint64_t bytes = 0;  // Of input.
};

/// kExhausted: with a job as large as `more` beside `present`, those of its holder that have not
/// ended, a key would have more than its quota allows.
inline Status check_size(const security::KeyHolder& holder, const JobSize& more,
                         const JobSize& present) {
  const auto check = [&holder](const char* what, std::uint64_t quota, std::uint64_t wanted,
                               std::uint64_t had) -> Status {
    if (quota == 0 || (wanted <= quota && had <= quota - wanted)) return {};
    return {StatusCode::kExhausted,
            "the key '" + holder.name + "' may have " + std::to_string(quota) + what +
                " in jobs that have not ended; this one has " + std::to_string(wanted) +
                (wanted > quota
                     ? "; ask for a larger quota"
                     : ", the others have " + std::to_string(had) + "; wait for one of them")};
  };
  FANFOLD_RETURN_IF_ERROR(check(" tasks", holder.quota.tasks, more.tasks, present.tasks));
  return check(" bytes of input", holder.quota.bytes, more.bytes, present.bytes);
}

class Quotas {
 public:
  /// kExhausted: the holder has `unfinished` jobs, or has submitted as many in the last minute, as
  /// its quota allows.  Otherwise this submission counts.
  Status submit(const security::KeyHolder& holder, std::size_t unfinished, Instant now) {
    const security::KeyQuota& quota = holder.quota;
    if (quota.jobs != 0 && unfinished >= quota.jobs) {
      return {StatusCode::kExhausted, "the key '" + holder.name + "' may have " +
                                          std::to_string(quota.jobs) +
                                          " jobs at a time, and has; wait for one of them"};
    }
    if (quota.submissions == 0) return {};
    std::deque<Instant>& submitted = submitted_[holder.name];
    while (!submitted.empty() && now - submitted.front() >= kWindow) submitted.pop_front();
    if (submitted.size() >= quota.submissions) {
      const auto left =
          std::chrono::ceil<std::chrono::seconds>(kWindow - (now - submitted.front()));
      return {StatusCode::kExhausted,
              "the key '" + holder.name + "' may submit " + std::to_string(quota.submissions) +
                  " jobs a minute, and has; try again in " + std::to_string(left.count()) + " s"};
    }
    submitted.push_back(now);
    return {};
  }

 private:
  static constexpr Duration kWindow = std::chrono::minutes(1);
  /// Of keys with such a quota; no more Instants than it allows.
  std::map<std::string, std::deque<Instant>> submitted_;
};

}  // namespace fanfold::master
