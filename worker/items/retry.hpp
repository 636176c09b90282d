// Retry and Catch of the States Language, for one Task of an item's processor.

#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/time.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::worker {

/// Whether a name in ErrorEquals stands for `error`.
bool error_matches(std::string_view name, std::string_view error);

/// The catcher that counts; null: none.  `catchers` may be null.
const items::Json* find_catcher(const items::Json* catchers, const std::string& error);

/// Of one Task while one child is at it: each retrier has a counter of its own.
class Retries {
 public:
  /// `retriers` is checked and complete, may be null, and outlives this.
  explicit Retries(const items::Json* retriers);
  /// How long to wait before the next attempt; nothing: there is none.
  std::optional<Duration> next(const std::string& error, std::mt19937_64& random);

 private:
  const items::Json* retriers_;
  std::vector<std::uint32_t> used_;
};

}  // namespace fanfold::worker
