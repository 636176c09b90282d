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
