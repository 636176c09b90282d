#include "common/s3/location.hpp"

#include <algorithm>

namespace fanfold::s3 {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::size_t kBucketMin = 3;
constexpr std::size_t kBucketMax = 63;

/// What a server would refuse less clearly.
bool is_bucket_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return name.size() >= kBucketMin && name.size() <= kBucketMax &&
         std::all_of(name.begin(), name.end(), plain) && name.find("..") == name.npos;
}

}  // namespace

bool is_s3_path(std::string_view path) { return path.starts_with(kScheme); }

Result<Location> parse_location(const std::string& path) {
  const std::string_view rest = std::string_view(path).substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  Location location;
  location.bucket = rest.substr(0, slash);
  location.key = rest.substr(std::min(slash + 1, rest.size()));
  while (location.key.ends_with('/')) location.key.pop_back();
  if (is_bucket_name(location.bucket)) return location;
  return Status(StatusCode::kInvalidArgument,
                path + ": '" + location.bucket +
                    "' cannot be the name of a bucket (3 to 63 letters, digits, '-' and '.'); "
                    "write s3://BUCKET/PREFIX");
}

std::string prefix_below(const Location& location) {
  return location.key.empty() ? "" : location.key + "/";
}

}  // namespace fanfold::s3
