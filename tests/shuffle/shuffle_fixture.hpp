// Run files in scratch directories, data servers over them, and a fetcher to bring them here.

#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/net/event_counter.hpp"
#include "tests/io/temporary_directory.hpp"
#include "worker/shuffle/data_server.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::worker {

inline constexpr JobId kJob{7};
inline constexpr std::uint32_t kPartition = 2;

class ShuffleTest : public testing::Test {
 protected:
  static constexpr AttemptId kReduce{1000};

  /// `holder`'s scratch directory.
  std::string scratch(std::uint32_t holder) const;
  std::string address(std::uint32_t holder) const;

  /// A map output of `split` whose segment of kPartition holds `bytes` bytes (0: none), in blocks.
  /// It becomes part of request_.
  void add_output(std::uint32_t holder, std::uint32_t split, std::size_t bytes);
  /// What add_output() wrote.
  static std::string contents(std::uint32_t split, std::size_t bytes);
  void remove_output(std::uint32_t holder, std::uint32_t split);

  void serve(std::uint32_t holder);
  void start_fetcher_with(FetcherOptions options);
  /// Fetches request_ and waits for its end; what is lost is collected on the way.
  FetchOutcome fetch();
  FetchOutcome next_outcome();
  /// The raw bytes of a fetched segment, read as a reduce task would.
  static std::string read(const LocalSegment& segment);
  /// Each output that is not empty is there, once, in order, byte by byte.
  void expect_everything(const FetchOutcome& outcome) const;

  io::TemporaryDirectory directory_;
  FetchRequest request_ = first_request();
  std::vector<std::size_t> sizes_;  // By output of request_.
  std::vector<std::unique_ptr<DataServer>> servers_;
  net::EventCounter woken_;
  std::unique_ptr<Fetcher> fetcher_;
  std::deque<FetchOutcome> taken_;  // Several may come at once.

 private:
  FetchRequest first_request() const;
};

/// The splits that are lost.
std::vector<std::uint32_t> lost_splits(const FetchOutcome& outcome);

}  // namespace fanfold::worker
