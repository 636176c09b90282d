#include "bench/sleepers/sleeper.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "bench/sleepers/noting_transport.hpp"
#include "bench/sleepers/sampling_fetcher.hpp"
#include "common/core/clock.hpp"
#include "worker/service/identity.hpp"
#include "worker/service/scratch.hpp"
#include "worker/service/signalled_fetcher.hpp"
#include "worker/service/worker_body.hpp"
#include "worker/shuffle/data_server.hpp"

namespace fanfold::bench {
namespace {

constexpr int kDataPlaneNice = 10;

}  // namespace

Status run_sleeper(const SleeperOptions& options) {
  io::FileSystem& files = io::posix_file_system();
  FANFOLD_ASSIGN_OR_RETURN(Log log, Log::open(options.log, LogLevel::kInfo));
  // A shared parent would be swept by every worker that starts; each has one of its own.
  const std::string parent = options.scratch + "/" + std::to_string(options.number);
  FANFOLD_ASSIGN_OR_RETURN(
      worker::Scratch scratch,
      worker::Scratch::make(files,
                            {parent + "/w-" + std::to_string(::getpid()), worker::new_uuid()}));
  worker::FetcherOptions fetching;
  fetching.patience = options.fetch_patience;
  // Thousands of hosts share two cores here, and an answer takes as long as all questions together.
  fetching.holders_talking = 1;
  // On its own host a worker's heartbeats would not queue behind the shuffle of all other workers.
  // The threads of the data plane inherit what is set here; only root may go back.
  ::setpriority(PRIO_PROCESS, 0, kDataPlaneNice);
  FANFOLD_ASSIGN_OR_RETURN(const auto fetcher,
                           worker::SignalledFetcher::make(files, steady_clock(), fetching));
  worker::DataServerOptions serving;
  serving.scratch = scratch.directory();
  serving.address = "ipc://" + scratch.directory() + "/d";
  FANFOLD_ASSIGN_OR_RETURN(const auto server, worker::start_data_server(files, serving));

  ::setpriority(PRIO_PROCESS, 0, 0);
  SampleBook book;
  SamplingFetcher sampling(*fetcher, options.sleep.sample_every, book);
  SleepExecutors executors(options.sleep, files, log, book);
  const auto connect = [&]() -> Result<std::unique_ptr<net::Transport>> {
    FANFOLD_ASSIGN_OR_RETURN(auto real, net::connect(options.master, net::SocketOptions{}));
    return std::unique_ptr<net::Transport>(
        new NotingTransport(std::move(real), options.number, log));
  };
  FANFOLD_ASSIGN_OR_RETURN(auto transport, connect());
  worker::BodyOptions body_options;
  body_options.master = options.master;
  proto::Hello& hello = body_options.hello;
  hello.uuid = scratch.uuid();
  hello.name = "sleeper-" + std::to_string(options.number);
  // No two of them share files: everything goes over sockets, as between hosts.
  hello.host_id = hello.name;
  hello.scratch = scratch.directory();
  hello.data_endpoint = server->endpoint();
  hello.slots = 1;
  hello.process = static_cast<std::uint32_t>(::getpid());
  const worker::WorkerDoors doors{steady_clock(), files, scratch, executors,
                                  sampling,       log,   connect};
  worker::WorkerBody body(std::move(body_options), doors, std::move(transport));
  body.begin();
  for (std::uint32_t watched = 0; !body.end();) {
    if (std::exchange(watched, body.connections()) != body.connections()) {
      const int descriptor = fetcher->descriptor();
      body.transport().watch({&descriptor, 1});
    }
    FANFOLD_RETURN_IF_ERROR(body.turn());
  }
  return *body.end();
}

}  // namespace fanfold::bench
