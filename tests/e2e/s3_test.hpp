// A test suite with a real S3 server of its own, and a bucket for each test.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/s3_server.hpp"

namespace fanfold::e2e {

class S3Test : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = new S3Server(S3Server::Store::kDisk); }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  std::string root() const { return "s3://" + bucket_; }
  Outcome run(std::vector<std::string> words,
              std::vector<std::pair<std::string, std::string>> variables = {}) {
    return e2e::run(workspace_, std::move(words), server_->options(std::move(variables)));
  }

  inline static S3Server* server_ = nullptr;
  Workspace workspace_;
  const std::string bucket_ = server_->make_bucket();
};

}  // namespace fanfold::e2e
