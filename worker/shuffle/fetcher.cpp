#include "worker/shuffle/fetcher.hpp"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>
#include <variant>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/core/mailbox.hpp"
#include "common/core/mutex.hpp"
#include "worker/shuffle/fetches.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// Requests that have not ended; a worker has no more reduce attempts than that.
constexpr std::size_t kRequestsMax = 4096;
/// Without deadlines only a frame or a command ends the wait.
constexpr Duration kWaitMax = 1h;

struct Stop {};
using Command = std::variant<FetchRequest, AttemptId, Stop>;

/// What requests have to say, one entry for each: however long nobody listens, it holds no more
/// than one outcome of each request and the names of its outputs.
class Outcomes {
 public:
  void put(FetchOutcome outcome) {
    MutexLock lock(mutex_);
    FetchOutcome& entry = entries_[{outcome.attempt, outcome.round}];
    std::vector<proto::MapOutput> lost = std::move(entry.lost);
    lost.insert(lost.end(), outcome.lost.begin(), outcome.lost.end());
    std::string why = entry.why_lost.empty() ? outcome.why_lost : std::move(entry.why_lost);
    entry = std::move(outcome);
    entry.lost = std::move(lost);
    entry.why_lost = std::move(why);
  }

  std::vector<FetchOutcome> take() {
    std::map<FetchId, FetchOutcome> entries;
    {
      MutexLock lock(mutex_);
      entries.swap(entries_);
    }
    std::vector<FetchOutcome> outcomes;
    for (auto& [id, outcome] : entries) outcomes.push_back(std::move(outcome));
    return outcomes;
  }

 private:
  Mutex mutex_;
  std::map<FetchId, FetchOutcome> entries_ FANFOLD_GUARDED_BY(mutex_);
};

class ThreadedFetcher final : public Fetcher {
 public:
  ThreadedFetcher(io::FileSystem& files, Clock& clock, const FetcherOptions& options,
                  std::unique_ptr<net::ConnectingTransport> transport, std::function<void()> wake)
      : clock_(clock),
        wake_(std::move(wake)),
        figures_(options.figures),
        transport_(std::move(transport)),
        fetches_(files, *transport_, options),
        thread_([this] { work(); }) {}

  ~ThreadedFetcher() override { command(Stop{}); }

  Status fetch(FetchRequest request) override {
    if (unfinished_ == kRequestsMax) {
      return Status(StatusCode::kExhausted,
                    std::to_string(kRequestsMax) + " reduce tasks are waiting for their inputs");
    }
    ++unfinished_;
    command(std::move(request));
    return {};
  }

  void cancel(AttemptId attempt) override { command(attempt); }

  std::vector<FetchOutcome> take() override {
    std::vector<FetchOutcome> outcomes = outcomes_.take();
    for (const FetchOutcome& outcome : outcomes) {
      if (outcome.ended) --unfinished_;
    }
    return outcomes;
  }

 private:
  void command(Command command) {
    // A cancellation follows a request at most once, and the thread takes commands at once.
    FANFOLD_CHECK(commands_.put(std::move(command)));
    transport_->wake();
  }

  void work() {
    for (;;) {
      const auto deadline = fetches_.next_deadline();
      Duration wait = deadline ? *deadline - clock_.now() : kWaitMax;
      for (;;) {
        auto frame = transport_->receive(std::max(wait, Duration(0)));
        if (!frame.ok()) fetches_.note_broken(frame.status());
        if (!frame.ok() || !*frame) break;
        fetches_.read(clock_.now(), **frame);
        deliver();
        wait = Duration(0);
      }
      if (!obey()) return;
      fetches_.look_after(clock_.now());
      deliver();
      tell_figures();
    }
  }

  void tell_figures() {
    if (!figures_) return;
    figures_->segments_asked_again = fetches_.trouble().asked_again;
    figures_->chunks_damaged = fetches_.trouble().damaged;
    figures_->servers_given_up = fetches_.trouble().given_up;
  }

  bool obey() {
    for (Command& command : commands_.drain()) {
      if (std::holds_alternative<Stop>(command)) return false;
      if (auto* request = std::get_if<FetchRequest>(&command)) {
        fetches_.begin(clock_.now(), std::move(*request));
      } else {
        fetches_.stop(std::get<AttemptId>(command));
      }
    }
    return true;
  }

  void deliver() {
    for (FetchOutcome& outcome : fetches_.take()) {
      outcomes_.put(std::move(outcome));
      wake_();
    }
  }

  Clock& clock_;
  const std::function<void()> wake_;
  const std::shared_ptr<ShuffleFigures> figures_;              // Shared with those who look on.
  const std::unique_ptr<net::ConnectingTransport> transport_;  // The thread's, but for wake().
  Mailbox<Command> commands_{4 * kRequestsMax};
  Outcomes outcomes_;
  std::size_t unfinished_ = 0;  // The caller's.
  Fetches fetches_;             // The thread's.
  std::jthread thread_;         // Last: joined before what it uses is gone.
};

}  // namespace

Result<std::unique_ptr<Fetcher>> start_fetcher(io::FileSystem& files, Clock& clock,
                                               const FetcherOptions& options,
                                               std::function<void()> wake) {
  net::SocketOptions socket;
  socket.frame_bytes_max = limits::kDataFrameBytes;
  socket.protection = options.protection;
  FANFOLD_ASSIGN_OR_RETURN(auto transport, net::make_connecting_transport(socket));
  return std::unique_ptr<Fetcher>(std::make_unique<ThreadedFetcher>(
      files, clock, options, std::move(transport), std::move(wake)));
}

}  // namespace fanfold::worker
