// Paths that say what they are a path of: "s3://bucket/a/b".

#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace fanfold::io {

/// "s3" of "s3://bucket/a/b"; empty: an ordinary path.
inline std::string_view scheme_of(std::string_view path) {
  const std::size_t end = path.find("://");
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (end == path.npos || !std::all_of(path.begin(), path.begin() + end, letter)) return {};
  return path.substr(0, end);
}

/// "s3://bucket" of "s3://bucket/a/b": nothing is a part of it.  Empty: an ordinary path.
inline std::string_view root_of(std::string_view path) {
  const std::string_view scheme = scheme_of(path);
  if (scheme.empty()) return {};
  return path.substr(0, std::min(path.find('/', scheme.size() + 3), path.size()));
}

/// "s3://bucket/a/" as "s3://bucket/a".
inline std::string without_slashes_at_end(std::string path) {
  const std::string_view scheme = scheme_of(path);
  const std::size_t least = scheme.empty() ? 1 : scheme.size() + 3;
  while (path.size() > least && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace fanfold::io
