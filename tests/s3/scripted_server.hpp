// An HTTP server in a thread of the test, that answers as it is told: also wrongly, slowly, by
// half, or not at all.

#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "common/core/mutex.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::s3 {

struct Heard {
  std::string method;
  std::string path;                          // As it came: encoded.
  std::map<std::string, std::string> query;  // Decoded.
  std::map<std::string, std::string> headers;
  std::string body;
};

struct Reaction {
  enum class End { kKeep, kClose, kReset, kHang };
  std::string bytes;
  End end = End::kKeep;
  std::size_t piece = 0;  // Sent in pieces of so many bytes, with pauses; 0: at once.
  std::chrono::milliseconds pause{0};
};

/// A whole answer with the right length.
std::string http_answer(int status, const std::map<std::string, std::string>& headers,
                        const std::string& body);
/// The answer that refuses with an S3 error.
std::string s3_error(int status, const std::string& code,
                     const std::map<std::string, std::string>& headers = {});

class ScriptedServer {
 public:
  using Script = std::function<Reaction(const Heard&)>;  // Called by several threads.

  explicit ScriptedServer(Script script);
  ~ScriptedServer();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<Heard> heard() const;

 private:
  void accept_all();
  void serve(UniqueFd connection);
  void react(int connection, const Reaction& reaction);

  const Script script_;
  UniqueFd listener_;
  UniqueFd stop_;  // Readable once the server ends.
  int port_ = 0;
  mutable Mutex mutex_;
  std::vector<Heard> heard_ FANFOLD_GUARDED_BY(mutex_);
  std::vector<std::jthread> servers_;  // Of the accepting thread.
  std::jthread accepting_;
};

/// Answers as a server with these objects in one bucket would, a few keys a page.
class FakeBucket {
 public:
  std::map<std::string, std::string> objects;
  std::size_t keys_per_page = 2;

  Reaction answer(const Heard& heard) const;
  static std::string etag_of(const std::string& contents);

 private:
  Reaction list(const Heard& heard) const;
};

}  // namespace fanfold::s3
