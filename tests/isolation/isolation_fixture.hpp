// A pool of real executors, and attempts of the job "faulty" over lines of text.

#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "worker/isolation/executor_pool.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

class IsolationFixture : public testing::Test {
 protected:
  static constexpr std::uint32_t kExecutors = 2;

  IsolationFixture() : zygote_(Zygote::start()), pool_(*zygote_, kExecutors) {
    std::string pattern = testing::TempDir() + "fanfold-isolation-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directory(directory_ + "/staging");
  }
  ~IsolationFixture() override { std::filesystem::remove_all(directory_); }

  static std::string plugin(const std::string& name) {
    return std::string(TEST_PLUGINS) + "/" + name + ".so";
  }

  /// A map attempt over a file of these lines.
  ExecutorTask map_task(const std::vector<std::string>& lines) {
    const std::uint64_t number = ++attempts_;
    ExecutorTask task;
    proto::TaskAssignment& assignment = task.assignment;
    assignment.attempt = AttemptId{number};
    assignment.task = {JobId{1}, Stage::kMap, 0};
    assignment.spec.job_name = "faulty";
    assignment.spec.plugin = reference(plugin("faulty"));
    assignment.spec.parameters = {{"fail_setup", "false"}, {"fail_reduce", "false"}};
    assignment.staging = directory_ + "/staging";
    io::Piece piece;
    piece.path = directory_ + "/input" + std::to_string(number);
    std::ofstream file(piece.path);
    for (const std::string& line : lines) file << line << '\n';
    file.close();
    piece.end = std::filesystem::file_size(piece.path);
    assignment.split.pieces = {piece};
    assignment.split.bytes = piece.end;
    task.scratch = directory_ + "/scratch/" + std::to_string(number);
    // A sanitizer's own memory counts like the job's.
    task.memory_bytes = kSanitized ? 2u << 30 : 64u << 20;
    return task;
  }

  static proto::FileReference reference(const std::string& path) {
    auto digest = sha256_of(path);
    return {std::filesystem::path(path).filename(), path, digest.ok() ? *digest : ""};
  }

  /// Sleeps until a descriptor of the pool or a deadline has something, then pumps.
  void turn() {
    const Instant now = steady_clock().now();
    int wait_ms = 60'000;
    if (const auto deadline = pool_.next_deadline()) {
      wait_ms =
          static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*deadline - now).count());
    }
    std::vector<pollfd> watched;
    for (const int descriptor : pool_.descriptors()) watched.push_back({descriptor, POLLIN, 0});
    ::poll(watched.data(), watched.size(), std::max(0, wait_ms));
    ASSERT_TRUE(pool_.pump(steady_clock().now()).ok());
  }

  AttemptResult next_result() {
    while (waiting_.empty()) {
      turn();
      // Nobody brings files here.
      for (const FileWanted& wanted : pool_.take_wanted()) {
        pool_.bring({wanted.attempt, wanted.sha256,
                     Status(StatusCode::kNotFound, "the master has no copy of it")});
      }
      for (AttemptResult& result : pool_.take_results()) waiting_.push_back(std::move(result));
    }
    AttemptResult first = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return first;
  }

  AttemptResult run(ExecutorTask task) {
    const AttemptId attempt = task.assignment.attempt;
    pool_.start(steady_clock().now(), std::move(task));
    AttemptResult result = next_result();
    EXPECT_EQ(result.attempt, attempt);
    return result;
  }
  AttemptResult run(const std::vector<std::string>& lines) { return run(map_task(lines)); }

  /// Until user code has begun with the record at `offset`.
  void wait_for_record(std::uint64_t records) {
    for (;;) {
      const auto pulses = pool_.pulses();
      if (!pulses.empty() && pulses[0].records >= records) return;
      ASSERT_TRUE(pool_.pump(steady_clock().now()).ok());
    }
  }

  std::string directory_;
  std::uint64_t attempts_ = 0;
  Result<Zygote> zygote_;
  ExecutorPool pool_;
  std::vector<AttemptResult> waiting_;
};

}  // namespace fanfold::worker
