// HTTP requests on their way, several at a time, by libcurl.  Knows nothing of S3; tries nothing
// twice.
//
// libcurl is loaded when the first session is made, not linked: it and what it needs would cost
// every worker that starts some milliseconds, and most never speak to an S3 server.
//
// No threads: requests move on while their owner is in pump() or wait(), and the kernel's buffers
// fill and empty meanwhile.  A session belongs to one thread.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/time.hpp"

namespace fanfold::s3 {

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;  // "name: value"
  std::string_view body;             // Borrowed.
  std::span<char> into;              // Borrowed: where a success's body goes, if anywhere.
  bool direct = false;               // Past the proxy that the variables of the process name.
  Duration connect_max = std::chrono::seconds(5);
};

enum class HttpFailure : std::uint8_t {
  kNone,
  kUnreachable,  // No address, nobody listens, no way there.
  kSilent,       // Nothing came in time.
  kBroken,       // The connection ended in the middle, or what came is no HTTP.
  kUntrusted,    // TLS: a certificate that nobody vouches for.
};

struct HttpReply {
  HttpFailure failure = HttpFailure::kNone;
  std::string why;  // Of a failure, in libcurl's words.
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;  // Names in lower case.
  std::string body;                                         // Of what did not go `into`.
  std::size_t taken = 0;                                    // Bytes of `into`.
  bool overflowed = false;  // There was more than there is room for: the rest was not taken.
};

class HttpSession {
 public:
  /// kUnavailable: libcurl is not on this host.
  static Result<std::unique_ptr<HttpSession>> make();

  virtual ~HttpSession() = default;

  /// A request on its way.  Goes away with the exchange; the session has to outlive it.
  class Exchange {
   public:
    virtual ~Exchange() = default;
    virtual bool done() const = 0;
    /// When the last byte came or went, or it was started.
    virtual Instant latest_move() const = 0;
    /// In both directions, so far.
    virtual std::uint64_t bytes_moved() const = 0;
    /// Once it is done.
    virtual HttpReply take_reply() = 0;
  };

  virtual std::unique_ptr<Exchange> start(HttpRequest request) = 0;
  /// Takes and gives what can be taken and given now.
  virtual void pump() = 0;
  /// The same, after waiting until there is something to take or give.
  virtual void wait(Duration longest) = 0;
};

}  // namespace fanfold::s3
