// The fetcher of a simulated worker: the production fetches on the simulated network, without the
// thread.

#pragma once

#include <memory>
#include <vector>

#include "sim/doors/transports.hpp"
#include "worker/shuffle/fetches.hpp"

namespace fanfold::sim {

class Fetching final : public worker::Fetcher {
 public:
  Fetching(Process& owner, Network& network, io::FileSystem& files, Duration patience)
      : owner_(owner),
        transport_(network.connecting(owner)),
        fetches_(files, *transport_, {.patience = patience}) {}

  Status fetch(worker::FetchRequest request) override {
    fetches_.begin(owner_.now(), std::move(request));
    return {};
  }
  void cancel(AttemptId attempt) override { fetches_.stop(attempt); }
  std::vector<worker::FetchOutcome> take() override {
    collect();
    return std::exchange(ended_, {});
  }

  /// Reads what has arrived, asks again where it is time.
  void pump() {
    while (true) {
      const auto frame = transport_->receive(Duration(0));
      if (!frame.ok() || !*frame) break;
      fetches_.read(owner_.now(), **frame);
    }
    fetches_.look_after(owner_.now());
    collect();
  }
  bool has_ended() const { return !ended_.empty(); }
  std::optional<Instant> next_deadline() const { return fetches_.next_deadline(); }

 private:
  void collect() {
    for (worker::FetchOutcome& outcome : fetches_.take()) ended_.push_back(std::move(outcome));
  }

  Process& owner_;
  const std::unique_ptr<net::ConnectingTransport> transport_;
  worker::Fetches fetches_;
  std::vector<worker::FetchOutcome> ended_;
};

}  // namespace fanfold::sim
