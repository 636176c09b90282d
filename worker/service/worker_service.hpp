// The worker process around its body: the production side of every door, signals, the lifetime of
// whoever started us.  One thread, one wait.

#pragma once

#include <memory>
#include <optional>

#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
#include "common/log/log.hpp"
#include "common/net/any_server.hpp"
#include "common/net/transport.hpp"
#include "worker/service/options.hpp"
#include "worker/service/pooled_executors.hpp"
#include "worker/service/scratch.hpp"
#include "worker/service/signalled_fetcher.hpp"
#include "worker/service/stop_signals.hpp"
#include "worker/service/threaded_host_lister.hpp"
#include "worker/service/worker_body.hpp"
#include "worker/service/worker_metrics.hpp"
#include "worker/shuffle/data_server.hpp"

namespace fanfold::worker {

/// What the service borrows; all of it outlives the service.
struct WorkerSurroundings {
  Zygote& zygote;
  Scratch& scratch;
  StopSignals& signals;
  io::FileSystem& files;
  Clock& clock;
  Log& log;
};

/// How each of its sockets is protected.
struct WorkerKeys {
  net::Protection control = net::NoTcp{};
  net::Protection serving = net::NoTcp{};
  net::Protection fetching = net::NoTcp{};
  /// Keys that the master may have; only where `control` needs one.
  net::ServerKeys masters;
  /// Whom the data server lets in: the master says so.  Shared with its transport; null: nobody
  /// asks for keys.
  std::shared_ptr<security::PeerList> peers;
};

class WorkerService {
 public:
  static Result<std::unique_ptr<WorkerService>> make(const WorkerOptions& options,
                                                     const WorkerSurroundings& surroundings);
  ~WorkerService();

  /// Until the master lets us go, the operator insists, or nothing more can be done; then why.
  Status run();
  /// Then: whether another worker should take the place of this one; not when it was told to stop.
  bool begins_anew() const { return end_->ok() && !stopping_ && body_->begins_anew(); }

 private:
  WorkerService(const WorkerOptions& options, const WorkerSurroundings& surroundings,
                WorkerKeys keys, std::unique_ptr<DataServer> server,
                std::unique_ptr<SignalledFetcher> fetcher, std::unique_ptr<StackFinder> stacks,
                std::optional<security::PluginList> plugins,
                std::unique_ptr<ThreadedHostLister> lister);

  void begin(std::unique_ptr<net::Transport> transport);
  proto::HostRoom room() const;
  /// Answers /metrics, where that is wanted.
  Status serve_metrics();
  Status turn();
  void read_signals();
  void read_lifetime();
  void watch_descriptors();
  void announce_ready();

  const WorkerOptions options_;
  WorkerSurroundings with_;
  const WorkerKeys keys_;
  std::unique_ptr<DataServer> server_;
  std::unique_ptr<SignalledFetcher> fetcher_;
  PooledExecutors executors_;
  std::unique_ptr<ThreadedHostLister> lister_;  // Null: nothing is read here by the host's name.
  std::unique_ptr<WorkerBody> body_;
  std::uint32_t watched_connection_ = 0;
  bool ready_announced_ = false;
  bool stopping_ = false;
  std::optional<Status> end_;  // Why run() returns, when the body did not say so.
  WorkerMeasures measures_;
  std::shared_ptr<const ShuffleFigures> shuffle_;  // Shared with the fetcher and the data server.
  std::unique_ptr<HttpServer> metrics_;  // Null: nobody wants them.  Its threads read measures_.
};

}  // namespace fanfold::worker
