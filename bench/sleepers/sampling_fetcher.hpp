// The production fetcher, asked for a sample: a cluster of thousands on one host cannot move what
// 15,000 map tasks times 4,000 reduce tasks would, but a part of it is fetched, over real sockets.

#pragma once

#include <utility>
#include <vector>

#include "bench/sleepers/sample_book.hpp"
#include "bench/sleepers/sleep_executors.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::bench {

class SamplingFetcher final : public worker::Fetcher {
 public:
  /// Borrows the fetcher and the book.
  SamplingFetcher(worker::Fetcher& fetcher, std::uint32_t sample_every, SampleBook& book)
      : fetcher_(fetcher), sample_every_(sample_every), book_(book) {}

  Status fetch(worker::FetchRequest request) override {
    const std::size_t listed = request.outputs.size();
    std::erase_if(request.outputs, [&](const proto::MapOutput& output) {
      return !is_sampled(output.split, request.partition, sample_every_);
    });
    // Later rounds bring what the first lost.
    if (request.round == 0) book_.shares[request.attempt] = {listed, request.outputs.size()};
    return fetcher_.fetch(std::move(request));
  }
  void cancel(AttemptId attempt) override {
    book_.shares.erase(attempt);
    fetcher_.cancel(attempt);
  }
  std::vector<worker::FetchOutcome> take() override { return fetcher_.take(); }

 private:
  worker::Fetcher& fetcher_;
  const std::uint32_t sample_every_;
  SampleBook& book_;
};

}  // namespace fanfold::bench
