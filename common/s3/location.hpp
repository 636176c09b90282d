// s3://bucket/key, taken apart and put together.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::s3 {

struct Location {
  std::string bucket;
  std::string key;  // Without a slash at its end; empty: the bucket itself.
};

bool is_s3_path(std::string_view path);

/// kInvalidArgument: no bucket, or not a name that a bucket can have.
Result<Location> parse_location(const std::string& path);

/// The prefix of the keys below it: "key/", or "" for the bucket itself.
std::string prefix_below(const Location& location);

}  // namespace fanfold::s3
