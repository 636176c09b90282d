// Memory is a budget, kept: each task runs in a child process of its own, on far more data than its
// budget, and the child's peak of resident memory is what the kernel says.  The input is made up
// while it is read, so that the test costs no disk but the task's own.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/exec/test_jobs.hpp"
#include "tests/exec/wrapped_file_system.hpp"
#include "tests/io/temporary_directory.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::worker {
namespace {

constexpr std::uint64_t kBudget = 64u << 20;
/// Words of seven letters and a separator; a line is sixteen of them.
constexpr std::uint64_t kWordBytes = 8;
constexpr std::uint64_t kWordsPerLine = 16;
constexpr std::uint64_t kLineBytes = kWordBytes * kWordsPerLine;
constexpr const char* kInput = "/made-up";

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

struct Input {
  std::uint64_t bytes = 0;
  std::uint32_t vocabulary_bits = 24;
};

/// Some words are common and most are rare, as in texts.
void write_word(std::uint64_t number, const Input& input, char* to) {
  to[7] = number % kWordsPerLine == kWordsPerLine - 1 ? '\n' : ' ';
  const std::uint64_t random = mix(number + 1);
  std::uint64_t word = (random & 0xffffff) * (random >> 24 & 0xffffff) >> 24;
  word = word * (random >> 48 & 0xffff) >> 16 >> (24 - input.vocabulary_bits);
  for (int i = 6; i >= 0; --i, word >>= 4) to[i] = static_cast<char>('a' + (word & 15));
}

class MadeUpFile final : public io::ReadableFile {
 public:
  explicit MadeUpFile(const Input& input) : input_(input) {}
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    std::size_t done = 0;
    while (done < buffer.size() && offset + done < input_.bytes) {
      const std::uint64_t at = offset + done;
      char word[kWordBytes];
      write_word(at / kWordBytes, input_, word);
      const std::size_t skip = at % kWordBytes;
      const std::size_t size = std::min<std::size_t>(kWordBytes - skip, buffer.size() - done);
      std::memcpy(buffer.data() + done, word + skip, size);
      done += size;
    }
    return done;
  }
  Result<std::uint64_t> size() override { return input_.bytes; }

 private:
  const Input input_;
};

class MadeUpInput final : public WrappedFileSystem {
 public:
  explicit MadeUpInput(const Input& input) : input_(input) {}
  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override {
    if (path != kInput) return WrappedFileSystem::open(path);
    return std::unique_ptr<io::ReadableFile>(new MadeUpFile(input_));
  }

 private:
  const Input input_;
};

/// What a child process says of its task.
struct Measured {
  bool succeeded = false;
  std::uint64_t records_in = 0;
  std::uint64_t spills = 0;
  std::uint64_t peak_bytes = 0;
  char message[200] = {};
};

std::uint64_t peak_of_this_process() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoull(line.substr(6)) << 10;
  }
  return 0;
}

class MemoryBudget : public testing::Test {
 protected:
  MemoryBudget() { std::filesystem::create_directory(directory_.path("staging")); }

  Measured map(const abi::JobInfo& job, const Input& input, std::uint64_t memory_bytes = kBudget) {
    proto::TaskAssignment assignment = next_assignment(Stage::kMap);
    io::Piece piece;
    piece.path = kInput;
    piece.end = input.bytes;
    assignment.split.pieces = {piece};
    MadeUpInput files(input);
    return run(files, assignment, job, {}, memory_bytes);
  }
  /// The output of the last map, so many times.
  Measured reduce(const abi::JobInfo& job, std::size_t segments) {
    LocalSegment segment;
    segment.path = scratch(AttemptId{attempts_}) + "/output.run";
    const proto::TaskAssignment assignment = next_assignment(Stage::kReduce);
    return run(io::posix_file_system(), assignment, job,
               std::vector<LocalSegment>(segments, segment), kBudget);
  }
  void expect_within_budget(const Measured& measured) {
    EXPECT_TRUE(measured.succeeded) << measured.message;
    EXPECT_GT(measured.peak_bytes, 4u << 20);  // It measured something.
    EXPECT_LE(measured.peak_bytes, kBudget) << (measured.peak_bytes >> 20) << " MiB";
  }

  io::TemporaryDirectory directory_;
  std::uint64_t attempts_ = 0;

 private:
  std::string scratch(AttemptId attempt) const {
    return directory_.path(std::to_string(attempt.value));
  }
  proto::TaskAssignment next_assignment(Stage stage) {
    proto::TaskAssignment assignment;
    assignment.attempt = AttemptId{++attempts_};
    assignment.task = {JobId{1}, stage, 0};
    assignment.partitions = 1;
    assignment.staging = directory_.path("staging");
    return assignment;
  }
  Measured run(io::FileSystem& files, const proto::TaskAssignment& assignment,
               const abi::JobInfo& job, std::vector<LocalSegment> segments,
               std::uint64_t memory_bytes) {
    RunRequest request;
    request.assignment = &assignment;
    request.job = &job;
    request.scratch = scratch(assignment.attempt);
    request.segments = make_segment_list(std::move(segments));
    request.memory_bytes = memory_bytes;
    int ends[2];
    FANFOLD_CHECK(::pipe(ends) == 0);
    const pid_t child = ::fork();
    FANFOLD_CHECK(child >= 0);
    if (child == 0) run_in_child(files, request, ends[1]);
    ::close(ends[1]);
    Measured measured;
    const ssize_t got = ::read(ends[0], &measured, sizeof measured);
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(got, static_cast<ssize_t>(sizeof measured)) << "the task killed its process";
    return measured;
  }
  [[noreturn]] static void run_in_child(io::FileSystem& files, const RunRequest& request, int to) {
    const RunOutcome outcome = run_task(files, request);
    Measured measured;
    measured.succeeded = outcome.succeeded;
    measured.records_in = outcome.report.records_in;
    measured.spills = outcome.report.spills;
    measured.peak_bytes = peak_of_this_process();
    outcome.failure.message.copy(measured.message, sizeof measured.message - 1);
    const ssize_t put = ::write(to, &measured, sizeof measured);
    ::_exit(put == static_cast<ssize_t>(sizeof measured) ? 0 : 1);
  }
};

TEST_F(MemoryBudget, IsKeptByAMapThatCombines) {
  const Measured measured = map(job_info<CountWords>(), {512u << 20, 20});
  expect_within_budget(measured);
  EXPECT_EQ(measured.records_in, (512u << 20) / kLineBytes);
  EXPECT_GT(measured.spills, 10u);
}

TEST_F(MemoryBudget, IsKeptByAMapThatCombinesValuesOnTheHeap) {
  const Measured measured = map(job_info<LongestLine>(), {128u << 20});
  expect_within_budget(measured);
  EXPECT_GT(measured.spills, 1u);
}

TEST_F(MemoryBudget, IsKeptByAMapThatCombinesViews) {
  // So many spills that their merge takes what it may; the values must be gone by then.
  const Measured measured = map(job_info<LastLine>(), {1100u << 20});
  expect_within_budget(measured);
  EXPECT_GT(measured.spills, 50u);
}

TEST_F(MemoryBudget, IsKeptByAMapThatSorts) {
  const Measured measured = map(job_info<ListLines>(), {128u << 20});
  expect_within_budget(measured);
  EXPECT_GT(measured.spills, 3u);
}

TEST_F(MemoryBudget, IsKeptByAMapThatSortsManySmallPairs) {
  const Measured measured = map(job_info<ListWords>(), {128u << 20});
  expect_within_budget(measured);
  EXPECT_GT(measured.spills, 3u);
}

TEST_F(MemoryBudget, IsKeptByAReduceOfManySegments) {
  ASSERT_TRUE(map(job_info<ListLines>(), {4u << 20, 10}).succeeded);
  const Measured measured = reduce(job_info<ListLines>(), 60);
  expect_within_budget(measured);
  EXPECT_EQ(measured.records_in, 60 * (4u << 20) / kLineBytes);
  EXPECT_GT(measured.spills, 0u);
}

TEST_F(MemoryBudget, IsKeptByAReduceOfOneEndlessGroup) {
  ASSERT_TRUE(map(job_info<ListLines>(), {16u << 20, 0}, 256u << 20).succeeded);
  const Measured measured = reduce(job_info<ListLines>(), 12);
  expect_within_budget(measured);
  EXPECT_EQ(measured.records_in, 12 * (16u << 20) / kLineBytes);
}

}  // namespace
}  // namespace fanfold::worker
