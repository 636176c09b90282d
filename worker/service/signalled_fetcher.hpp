// A Fetcher whose outcomes make a descriptor readable, for an event loop to watch.

#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/net/event_counter.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::worker {

class SignalledFetcher final : public Fetcher {
 public:
  static Result<std::unique_ptr<SignalledFetcher>> make(io::FileSystem& files, Clock& clock,
                                                        const FetcherOptions& options) {
    std::unique_ptr<SignalledFetcher> made(new SignalledFetcher);
    if (!made->ended_.usable()) {
      return Status(StatusCode::kUnavailable, "cannot make an event descriptor: none is left");
    }
    SignalledFetcher* const self = made.get();
    FANFOLD_ASSIGN_OR_RETURN(
        made->fetcher_, start_fetcher(files, clock, options, [self] { self->ended_.raise(); }));
    return made;
  }

  Status fetch(FetchRequest request) override { return fetcher_->fetch(std::move(request)); }
  void cancel(AttemptId attempt) override { fetcher_->cancel(attempt); }
  std::vector<FetchOutcome> take() override {
    // Before, not after: an outcome that comes in between is seen or raises it again.
    ended_.lower();
    return fetcher_->take();
  }
  /// Readable when take() has something.
  int descriptor() const { return ended_.descriptor(); }

 private:
  SignalledFetcher() = default;

  net::EventCounter ended_;
  std::unique_ptr<Fetcher> fetcher_;  // Last: its thread raises ended_.
};

}  // namespace fanfold::worker
