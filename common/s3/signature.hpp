// AWS Signature Version 4 of one request, with the payload's digest in it.
// Not left to libcurl: its older versions sign some requests in a way that servers refuse.

#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/s3/settings.hpp"

namespace fanfold::s3 {

/// Names in lower case.
using Fields = std::vector<std::pair<std::string, std::string>>;

struct SignedRequest {
  std::string method;
  std::string host;  // As the Host header will have it: with the port, unless it is the usual one.
  std::string path;  // Encoded.
  Fields query;      // Plain; any order.
  Fields headers;    // All that shall be signed.
  std::string_view body;
  bool body_unsigned = false;  // What carries it has to protect it.
};

/// The headers to add: authorization, x-amz-date, x-amz-content-sha256 and, perhaps,
/// x-amz-security-token.
Fields sign(const SignedRequest& request, const Credentials& credentials, const std::string& region,
            std::time_t now);

/// RFC 3986: all but letters, digits and "-_.~" as %XX.
std::string encode(std::string_view text);
/// The same, but slashes stay.
std::string encode_path(std::string_view text);
/// "a=1&b=" in the order that is signed.
std::string encode_query(Fields query);

}  // namespace fanfold::s3
