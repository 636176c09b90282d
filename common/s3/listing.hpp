// What lies below a prefix, page by page.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/s3/client.hpp"

namespace fanfold::s3 {

struct ListedObject {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;
};

struct ListOptions {
  std::string prefix;
  bool one_level = false;     // What has a further slash is told as a prefix that ends with it.
  std::uint32_t at_most = 0;  // 0: all.
};

struct Listing {
  std::vector<ListedObject> objects;  // In byte order of their keys.
  std::vector<std::string> prefixes;  // The same.
};

/// An empty listing is no error.
Result<Listing> list_objects(Client& client, const std::string& bucket, const ListOptions& options);

}  // namespace fanfold::s3
