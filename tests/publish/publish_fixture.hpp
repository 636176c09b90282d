// A publication of the job "word_count" in a directory of the test's own, and what its attempts
// leave in the staging directory.

#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "master/publish/publish.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::master {

class PublishFixture : public testing::Test {
 protected:
  using Contents = std::map<std::string, std::string>;

  PublishFixture() {
    request_.job = JobId{3};
    request_.spec.job_name = "word_count";
    request_.spec.client_id = "submission-1";
    request_.spec.output = directory_.path("out");
    request_.spec.inputs = {directory_.path("in")};
    request_.partitions = 2;
    request_.staging = staging_directory(request_.spec.output, "1-3");
  }

  /// As an attempt does: its own directory in the staging directory, durable files, their sizes.
  AttemptFiles attempt(std::uint64_t id, const Contents& contents) const {
    io::FileSystem& files = io::posix_file_system();
    AttemptFiles result;
    result.attempt = AttemptId{id};
    const std::string directory = request_.staging + "/" + std::to_string(id);
    EXPECT_TRUE(files.make_directories(directory).ok());
    for (const auto& [name, text] : contents) {
      auto part = io::create_part(files, directory + "/" + name, name, io::PartCompression::kNone);
      EXPECT_TRUE((*part)->write(text, 1).ok());
      EXPECT_TRUE((*part)->finish().ok());
      result.files.push_back((*part)->info());
    }
    return result;
  }

  void commit_two_parts() {
    request_.maps.clear();
    request_.reduces = {attempt(11, {{"part-00000-of-00002", "a\t1\n"}}),
                        attempt(14, {{"part-00001-of-00002", "b\t2\n"}})};
    attempt(12, {{"part-00001-of-00002", "of a late attempt"}});
  }

  Status prepare() {
    return prepare_output(io::posix_file_system(), request_.spec, request_.staging);
  }
  Result<Published> publish_now() { return publish(io::posix_file_system(), request_); }

  io::TemporaryDirectory directory_;
  PublishRequest request_;
};

}  // namespace fanfold::master
