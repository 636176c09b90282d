#include "worker/shuffle/fetcher.hpp"

#include <map>
#include <thread>
#include <utility>
#include <variant>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/core/mailbox.hpp"
#include "worker/shuffle/fetch_task.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// Requests without an outcome; a worker has no more reduce attempts than that.
constexpr std::size_t kRequestsMax = 4096;
/// Without deadlines only a frame or a command ends the wait.
constexpr Duration kWaitMax = 1h;

struct Stop {};
using Command = std::variant<FetchRequest, AttemptId, Stop>;

class ThreadedFetcher final : public Fetcher {
 public:
  ThreadedFetcher(io::FileSystem& files, Clock& clock, const FetcherOptions& options,
                  std::unique_ptr<net::ConnectingTransport> transport, std::function<void()> wake)
      : files_(files),
        clock_(clock),
        wake_(std::move(wake)),
        transport_(std::move(transport)),
        links_(*transport_, options.patience),
        thread_([this] { work(); }) {}

  ~ThreadedFetcher() override { command(Stop{}); }

  Status fetch(FetchRequest request) override {
    if (without_outcome_ == kRequestsMax) {
      return Status(StatusCode::kExhausted,
                    std::to_string(kRequestsMax) + " reduce tasks are waiting for their inputs");
    }
    ++without_outcome_;
    command(std::move(request));
    return {};
  }

  void cancel(AttemptId attempt) override { command(attempt); }

  std::vector<FetchOutcome> take() override {
    std::vector<FetchOutcome> outcomes = outcomes_.drain();
    without_outcome_ -= outcomes.size();
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
      const auto deadline = links_.next_deadline();
      Duration wait = deadline ? *deadline - clock_.now() : kWaitMax;
      for (;;) {
        auto frame = transport_->receive(std::max(wait, Duration(0)));
        // Without its sockets the fetcher cannot do anything: say so for each request.
        if (!frame.ok()) broken_ = frame.status();
        if (!frame.ok() || !*frame) break;
        read(**frame);
        wait = Duration(0);
      }
      if (!obey()) return;
      look_after();
    }
  }

  void read(const net::Frame& frame) {
    const Instant now = clock_.now();
    auto reply = links_.read(now, frame);
    if (!reply) return;
    const AttemptId attempt = reply->asker.task;
    const auto task = tasks_.find(attempt);
    FANFOLD_CHECK(task != tasks_.end());
    task->second->take(now, *std::move(reply));
    deliver_if_ended(attempt);
  }

  bool obey() {
    for (Command& command : commands_.drain()) {
      if (std::holds_alternative<Stop>(command)) return false;
      if (auto* request = std::get_if<FetchRequest>(&command)) {
        begin(std::move(*request));
      } else {
        stop(std::get<AttemptId>(command));
      }
    }
    return true;
  }

  void begin(FetchRequest request) {
    const AttemptId attempt = request.attempt;
    const auto [task, added] = tasks_.try_emplace(attempt);
    FANFOLD_CHECK(added);
    task->second = std::make_unique<FetchTask>(files_, links_, std::move(request));
    task->second->start(clock_.now());
    deliver_if_ended(attempt);
  }

  void stop(AttemptId attempt) {
    if (tasks_.erase(attempt) == 0) return;
    FetchOutcome outcome;
    outcome.attempt = attempt;
    outcome.failure.kind = proto::FailureKind::kCancelled;
    outcome.failure.message = "the attempt was cancelled";
    deliver(std::move(outcome));
  }

  void look_after() {
    const std::vector<DataLinks::Address> silent = links_.look_after(clock_.now());
    if (silent.empty() && broken_.ok()) return;
    std::vector<AttemptId> attempts;
    for (auto& [attempt, task] : tasks_) {
      for (const DataLinks::Address& address : silent) task->note_silent(address);
      if (!broken_.ok()) task->note_broken(broken_);
      attempts.push_back(attempt);
    }
    for (const AttemptId attempt : attempts) deliver_if_ended(attempt);
  }

  void deliver_if_ended(AttemptId attempt) {
    const auto task = tasks_.find(attempt);
    if (!task->second->ended()) return;
    FetchOutcome outcome = task->second->outcome();
    tasks_.erase(task);
    deliver(std::move(outcome));
  }

  void deliver(FetchOutcome outcome) {
    // There is room for as many as there are requests.
    FANFOLD_CHECK(outcomes_.put(std::move(outcome)));
    wake_();
  }

  io::FileSystem& files_;
  Clock& clock_;
  const std::function<void()> wake_;
  const std::unique_ptr<net::ConnectingTransport> transport_;  // The thread's, but for wake().
  Mailbox<Command> commands_{4 * kRequestsMax};
  Mailbox<FetchOutcome> outcomes_{kRequestsMax};
  std::size_t without_outcome_ = 0;  // The caller's.
  // The thread's.
  DataLinks links_;
  std::map<AttemptId, std::unique_ptr<FetchTask>> tasks_;
  Status broken_;
  std::jthread thread_;  // Last: joined before what it uses is gone.
};

}  // namespace

FetchRequest make_fetch_request(const proto::TaskAssignment& assignment,
                                const std::function<bool(const proto::Holder&)>& is_local,
                                std::string directory) {
  FetchRequest request;
  request.attempt = assignment.attempt;
  request.job = assignment.task.job;
  request.partition = assignment.task.index;
  request.holders = assignment.holders;
  request.directory = std::move(directory);
  for (const proto::MapOutput& output : assignment.outputs) {
    if (!is_local(assignment.holders[output.holder])) request.outputs.push_back(output);
  }
  return request;
}

Result<std::unique_ptr<Fetcher>> start_fetcher(io::FileSystem& files, Clock& clock,
                                               const FetcherOptions& options,
                                               std::function<void()> wake) {
  net::SocketOptions socket;
  socket.frame_bytes_max = limits::kDataFrameBytes;
  socket.allow_unauthenticated_tcp = options.allow_unauthenticated_tcp;
  FANFOLD_ASSIGN_OR_RETURN(auto transport, net::make_connecting_transport(socket));
  return std::unique_ptr<Fetcher>(std::make_unique<ThreadedFetcher>(
      files, clock, options, std::move(transport), std::move(wake)));
}

}  // namespace fanfold::worker
