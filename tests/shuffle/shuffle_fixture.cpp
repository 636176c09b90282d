#include "tests/shuffle/shuffle_fixture.hpp"

#include <poll.h>

#include <algorithm>

#include "common/core/check.hpp"

namespace fanfold::worker {
namespace {

constexpr int kPatienceMs = 60'000;
constexpr std::size_t kBlockBytes = 100'000;

AttemptId attempt_of(std::uint32_t split) { return AttemptId{split + 1}; }

void write_segment(io::RunFileWriter& run, std::uint32_t partition, std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes) {
    abi::BlockSummary summary;
    summary.records = 1;
    FANFOLD_CHECK(run.write(partition, bytes.substr(at, kBlockBytes), summary).ok());
  }
}

}  // namespace

FetchRequest ShuffleTest::first_request() const {
  FetchRequest request;
  request.attempt = kReduce;
  request.job = kJob;
  request.partition = kPartition;
  request.directory = directory_.path("fetched");
  auto holders = std::make_shared<std::vector<proto::Holder>>();
  for (std::uint32_t holder = 0; holder < 3; ++holder) {
    proto::Holder one;
    one.worker = WorkerId{holder + 1};
    one.scratch = scratch(holder);
    one.data_endpoint = address(holder);
    holders->push_back(one);
  }
  request.holders = std::move(holders);
  return request;
}

std::string ShuffleTest::scratch(std::uint32_t holder) const {
  return directory_.path("worker-" + std::to_string(holder));
}

std::string ShuffleTest::address(std::uint32_t holder) const {
  return "ipc://" + directory_.path("data-" + std::to_string(holder));
}

std::string ShuffleTest::contents(std::uint32_t split, std::size_t bytes) {
  std::string text(bytes, '\0');
  // Without repetition, so that nothing hides a part in the wrong place.
  std::uint64_t state = split + 1;
  for (char& c : text) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    c = static_cast<char>(state >> 56);
  }
  return text;
}

void ShuffleTest::add_output(std::uint32_t holder, std::uint32_t split, std::size_t bytes) {
  const std::string attempt = scratch(holder) + "/" + std::to_string(kJob.value) + "/" +
                              std::to_string(attempt_of(split).value);
  FANFOLD_CHECK(io::posix_file_system().make_directories(attempt).ok());
  auto run = io::create_run_file(io::posix_file_system(), attempt + "/output.run",
                                 io::BlockCompression::kLz4);
  FANFOLD_CHECK(run.ok());
  write_segment(**run, kPartition - 1, "of another partition");
  write_segment(**run, kPartition, contents(split, bytes));
  write_segment(**run, kPartition + 1, "of yet another partition");
  FANFOLD_CHECK((*run)->finish().ok());
  request_.outputs.push_back({split, attempt_of(split), holder});
  sizes_.push_back(bytes);
}

void ShuffleTest::remove_output(std::uint32_t holder, std::uint32_t split) {
  FANFOLD_CHECK(io::posix_file_system()
                    .remove_tree(scratch(holder) + "/" + std::to_string(kJob.value) + "/" +
                                 std::to_string(attempt_of(split).value))
                    .ok());
}

void ShuffleTest::serve(std::uint32_t holder) {
  DataServerOptions options;
  options.scratch = scratch(holder);
  options.address = address(holder);
  auto server = start_data_server(io::posix_file_system(), options);
  ASSERT_TRUE(server.ok()) << server.status().message();
  servers_.push_back(*std::move(server));
}

void ShuffleTest::start_fetcher_with(FetcherOptions options) {
  auto fetcher =
      start_fetcher(io::posix_file_system(), steady_clock(), options, [this] { woken_.raise(); });
  ASSERT_TRUE(fetcher.ok()) << fetcher.status().message();
  fetcher_ = *std::move(fetcher);
}

FetchOutcome ShuffleTest::fetch() {
  if (!fetcher_) start_fetcher_with({});
  const Status accepted = fetcher_->fetch(request_);
  EXPECT_TRUE(accepted.ok()) << accepted.message();
  return next_outcome();
}

FetchOutcome ShuffleTest::next_outcome() {
  std::vector<proto::MapOutput> lost;
  std::string why;
  for (;;) {
    for (FetchOutcome& outcome : fetcher_->take()) taken_.push_back(std::move(outcome));
    while (!taken_.empty()) {
      FetchOutcome outcome = std::move(taken_.front());
      taken_.pop_front();
      lost.insert(lost.end(), outcome.lost.begin(), outcome.lost.end());
      if (why.empty()) why = outcome.why_lost;
      if (!outcome.ended) continue;
      outcome.lost = std::move(lost);
      outcome.why_lost = std::move(why);
      return outcome;
    }
    pollfd woken{woken_.descriptor(), POLLIN, 0};
    FANFOLD_CHECK(::poll(&woken, 1, kPatienceMs) == 1);
    woken_.lower();
  }
}

std::string ShuffleTest::read(const LocalSegment& segment) {
  auto reader = io::open_segment(io::posix_file_system(), segment.path, segment.segment);
  EXPECT_TRUE(reader.ok()) << reader.status().message();
  std::string all;
  while (reader.ok()) {
    const auto block = (*reader)->next();
    EXPECT_TRUE(block.ok()) << block.status().message();
    if (!block.ok() || block->empty()) break;
    all += *block;
  }
  return all;
}

void ShuffleTest::expect_everything(const FetchOutcome& outcome) const {
  ASSERT_TRUE(outcome.succeeded) << outcome.failure.message;
  auto next = outcome.segments.begin();
  for (std::size_t i = 0; i < sizes_.size(); ++i) {
    if (sizes_[i] == 0) continue;
    ASSERT_NE(next, outcome.segments.end());
    EXPECT_EQ(next->output.split, request_.outputs[i].split);
    EXPECT_TRUE(next->fetched);
    EXPECT_TRUE(read(*next) == contents(next->output.split, sizes_[i])) << "split " << i;
    ++next;
  }
  EXPECT_EQ(next, outcome.segments.end());
}

std::vector<std::uint32_t> lost_splits(const FetchOutcome& outcome) {
  std::vector<std::uint32_t> splits;
  for (const proto::MapOutput& lost : outcome.lost) splits.push_back(lost.split);
  std::sort(splits.begin(), splits.end());
  return splits;
}

}  // namespace fanfold::worker
