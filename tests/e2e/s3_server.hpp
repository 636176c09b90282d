// A real S3 server (tests/s3/rgw) for the tests of one suite, and what they put into it.

#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "common/s3/client.hpp"
#include "tests/e2e/command.hpp"

namespace fanfold::e2e {

class S3Server {
 public:
  enum class Store { kMemory, kDisk };  // What is on disk outlives the disk process.

  explicit S3Server(Store store);
  ~S3Server();
  S3Server(const S3Server&) = delete;

  /// With the server's address and a key that it knows, and these added or replaced.
  CommandOptions options(std::vector<std::pair<std::string, std::string>> more = {}) const;

  /// Its name: a bucket of its own for each test.
  std::string make_bucket();
  void put(const std::string& path, const std::string& contents);
  /// What is wrong, when it cannot be read.
  std::string get(const std::string& path);
  std::vector<std::string> keys(const std::string& bucket);
  s3::Answer perform(s3::Call call);

  void signal_disk(int signal) const;
  void start_disk() const;

 private:
  pid_t disk() const;
  /// What `tests/s3/rgw WORDS` prints.
  std::string control(std::vector<std::string> words) const;

  Workspace workspace_;
  const std::string directory_ = workspace_.path("s3");
  std::string endpoint_;
  s3::Settings settings_;
  std::unique_ptr<s3::Client> client_;
  int buckets_ = 0;
};

}  // namespace fanfold::e2e
