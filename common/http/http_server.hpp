// A read-only HTTP server on a loopback port, in threads of its own.
//
// Answers GET and HEAD, to hosts that are named exactly (a page of somebody else that resolves its
// name to this machine gets nothing), one request a connection.  Each answer forbids the browser
// whatever the page does not need.  How many connections are held is bounded: more wait in the
// kernel, so that nobody takes the descriptors of the process.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold {

struct HttpRequest {
  std::string path;  // Decoded; begins with '/'.
  std::map<std::string, std::string> query;
};

struct HttpResponse {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
};

struct HttpOptions {
  std::uint16_t port = 0;  // 0: the system chooses.
  /// Values of the Host header beside those of the loopback address itself.
  std::vector<std::string> hosts;
};

class HttpServer {
 public:
  /// Called in several threads at once; must not throw.
  using Responder = std::function<HttpResponse(const HttpRequest&)>;

  /// Listens and answers until it is destroyed.  kUnavailable: the port cannot be had.
  static Result<std::unique_ptr<HttpServer>> start(HttpOptions options, Responder responder);
  ~HttpServer();

  std::uint16_t port() const;

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace fanfold
