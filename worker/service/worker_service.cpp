#include "worker/service/worker_service.hpp"

#include <poll.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "common/core/limits.hpp"
#include "common/host/storage_kind.hpp"
#include "common/net/address.hpp"
#include "common/security/key_file.hpp"
#include "common/security/known_master.hpp"
#include "worker/service/host_room.hpp"

namespace fanfold::worker {
namespace {

bool is_tcp(const std::string& address) { return address.starts_with("tcp://"); }

/// What this worker proves itself with, and whom it believes.
Result<WorkerKeys> read_keys(const WorkerOptions& options) {
  WorkerKeys keys;
  if (options.key.empty()) {
    if (!options.allow_unauthenticated_tcp) return keys;
    keys.control = keys.serving = keys.fetching = net::UnprotectedLoopback{};
    return keys;
  }
  FANFOLD_ASSIGN_OR_RETURN(const security::KeyFile file, security::read_key_file(options.key));
  if (file.role != security::Role::kWorker) {
    return Status(StatusCode::kInvalidArgument,
                  options.key + " is the key of a " + security::name_of(file.role) +
                      "; a worker needs one of 'fanfold keys add NAME --role worker'");
  }
  const auto own = std::make_shared<const security::KeyPair>(file.pair);
  keys.peers = std::make_shared<security::PeerList>();
  keys.control = net::Proved{own, file.master};
  keys.masters = [known = security::KnownMaster(options.key, file)]() mutable {
    return known.keys();
  };
  keys.serving = net::Guarded{own, keys.peers};
  // Which worker has which key, the master tells with its address.
  keys.fetching = net::Proved{own, std::nullopt};
  return keys;
}

Result<std::string> data_address(const WorkerOptions& options) {
  if (!options.data_address.empty()) return options.data_address;
  if (!is_tcp(options.master) || options.key.empty()) {
    return "ipc://" + options.scratch + "/data.sock";
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string host, net::own_host_towards(options.master));
  return "tcp://" + host + ":0";
}

net::SocketOptions socket_options(const WorkerKeys& keys) {
  net::SocketOptions socket;
  socket.frame_bytes_max = limits::kControlFrameBytes;
  socket.protection = keys.control;
  return socket;
}

}  // namespace

Result<std::unique_ptr<WorkerService>> WorkerService::make(const WorkerOptions& options,
                                                           const WorkerSurroundings& with) {
  auto read = read_keys(options);
  if (!read.ok()) return std::move(read).status().with_context("--key");
  WorkerKeys keys = *std::move(read);
  const net::SocketOptions socket = socket_options(keys);
  FANFOLD_RETURN_IF_ERROR(net::check_address(options.master, socket).with_context("--master"));
  if (!options.data_advertised.empty()) {
    FANFOLD_RETURN_IF_ERROR(
        net::check_address(options.data_advertised, socket).with_context("--data-advertised"));
  }
  FANFOLD_ASSIGN_OR_RETURN(auto plugins, security::read_allowed_plugins(options.plugin_list));
  FANFOLD_ASSIGN_OR_RETURN(auto stacks, StackFinder::make());
  FetcherOptions fetching;
  fetching.protection = keys.fetching;
  fetching.figures = std::make_shared<ShuffleFigures>();
  FANFOLD_ASSIGN_OR_RETURN(auto fetcher, SignalledFetcher::make(with.files, with.clock, fetching));
  DataServerOptions serving;
  serving.scratch = with.scratch.directory();
  FANFOLD_ASSIGN_OR_RETURN(serving.address, data_address(options));
  serving.protection = keys.serving;
  serving.figures = fetching.figures;
  auto server = start_data_server(with.files, serving);
  if (!server.ok()) return std::move(server).status().with_context("--data-address");
  FANFOLD_ASSIGN_OR_RETURN(auto transport,
                           net::connect_to_any(options.master, socket, keys.masters));
  std::unique_ptr<ThreadedHostLister> lister;
  if (!options.host_inputs.directories.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(lister,
                             ThreadedHostLister::make(with.files, with.clock, options.host_inputs));
  }
  std::unique_ptr<WorkerService> service(
      new WorkerService(options, with, std::move(keys), *std::move(server), std::move(fetcher),
                        std::move(stacks), std::move(plugins), std::move(lister)));
  service->shuffle_ = fetching.figures;
  FANFOLD_RETURN_IF_ERROR(service->serve_metrics());
  service->begin(std::move(transport));
  return service;
}

WorkerService::WorkerService(const WorkerOptions& options, const WorkerSurroundings& surroundings,
                             WorkerKeys keys, std::unique_ptr<DataServer> server,
                             std::unique_ptr<SignalledFetcher> fetcher,
                             std::unique_ptr<StackFinder> stacks,
                             std::optional<security::PluginList> plugins,
                             std::unique_ptr<ThreadedHostLister> lister)
    : options_(options),
      with_(surroundings),
      keys_(std::move(keys)),
      server_(std::move(server)),
      fetcher_(std::move(fetcher)),
      executors_(surroundings.zygote, options.slots, std::move(stacks), std::move(plugins)),
      lister_(std::move(lister)) {}

WorkerService::~WorkerService() = default;

void WorkerService::begin(std::unique_ptr<net::Transport> transport) {
  BodyOptions body;
  body.master = options_.master;
  body.memory_bytes = options_.memory_bytes;
  body.threads = options_.threads;
  proto::Hello& hello = body.hello;
  hello.uuid = with_.scratch.uuid();
  hello.name = options_.name;
  hello.host_id = own_host_id();
  hello.scratch = with_.scratch.directory();
  hello.data_endpoint =
      options_.data_advertised.empty() ? server_->endpoint() : options_.data_advertised;
  hello.host = options_.host_inputs.host;
  hello.host_inputs = lister_ != nullptr;
  body.host_inputs = options_.host_inputs;
  hello.slots = options_.slots;
  hello.process = static_cast<std::uint32_t>(::getpid());
  body.died = with_.scratch.died();
  with_.log.info("worker.started", {{"name", options_.name},
                                    {"master", options_.master},
                                    {"scratch", hello.scratch},
                                    {"data", server_->endpoint()},
                                    {"slots", options_.slots},
                                    {"memory", options_.memory_bytes},
                                    {"threads", options_.threads}});
  if (const StorageKind kind = storage_kind(hello.scratch); kind.shared) {
    with_.log.warn("scratch.on_shared_storage", {{"scratch", hello.scratch}, {"type", kind.name}});
  }
  const auto connect = [this] {
    return net::connect_to_any(options_.master, socket_options(keys_), keys_.masters);
  };
  const WorkerDoors doors{with_.clock,
                          with_.files,
                          with_.scratch,
                          executors_,
                          *fetcher_,
                          with_.log,
                          connect,
                          keys_.peers.get(),
                          options_.http_port ? &measures_ : nullptr,
                          [this] { return room(); },
                          lister_.get()};
  body_ = std::make_unique<WorkerBody>(std::move(body), doors, std::move(transport));
}

proto::HostRoom WorkerService::room() const {
  return look_at_room(with_.scratch.directory(), options_.slots * options_.memory_bytes);
}

Status WorkerService::serve_metrics() {
  if (!options_.http_port) return {};
  const WorkerTraits traits{
      .scratch = with_.scratch.directory(),
      .slots = options_.slots,
      .memory_bytes = options_.memory_bytes,
      .started_unix_seconds =
          std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
              .count(),
      .shuffle = shuffle_};
  auto server = HttpServer::start({.port = *options_.http_port, .hosts = options_.http_hosts},
                                  [this, traits](const HttpRequest& request) {
                                    return respond_with_metrics(request, traits, measures_);
                                  });
  if (!server.ok()) return std::move(server).status().with_context("--http");
  metrics_ = *std::move(server);
  with_.log.info("http.listening", {{"host", "127.0.0.1"}, {"port", metrics_->port()}});
  return {};
}

Status WorkerService::run() {
  body_->begin();
  while (!body_->end() && !end_) {
    if (Status status = turn(); !status.ok()) end_ = std::move(status);
  }
  if (!end_) end_ = *body_->end();
  with_.log.info("worker.stopped", {{"reason", end_->ok() ? "let go" : end_->message()}});
  return *end_;
}

Status WorkerService::turn() {
  watch_descriptors();
  FANFOLD_RETURN_IF_ERROR(body_->turn());
  if (body_->welcomed()) announce_ready();
  read_signals();
  read_lifetime();
  return {};
}

void WorkerService::watch_descriptors() {
  const bool same_transport = watched_connection_ == body_->connections();
  if (!executors_.descriptors_changed() && same_transport) return;
  watched_connection_ = body_->connections();
  std::vector<int> watched = executors_.descriptors();
  watched.push_back(with_.signals.descriptor());
  watched.push_back(fetcher_->descriptor());
  if (lister_ != nullptr) watched.push_back(lister_->descriptor());
  if (options_.lifetime_fd >= 0) watched.push_back(options_.lifetime_fd);
  body_->transport().watch(watched);
}

void WorkerService::announce_ready() {
  if (options_.ready_fd < 0 || std::exchange(ready_announced_, true)) return;
  while (::write(options_.ready_fd, "r", 1) < 0 && errno == EINTR) {
  }
  ::close(options_.ready_fd);
}

void WorkerService::read_signals() {
  const int count = with_.signals.take();
  for (int i = 0; i < count; ++i) {
    if (std::exchange(stopping_, true)) {
      end_ = Status(StatusCode::kAborted, "told to stop at once");
      return;
    }
    with_.log.info("worker.drain_requested", {});
    body_->drain();
  }
}

void WorkerService::read_lifetime() {
  if (options_.lifetime_fd < 0) return;
  pollfd watched{options_.lifetime_fd, POLLIN, 0};
  if (::poll(&watched, 1, 0) <= 0) return;
  char byte = 0;
  const ssize_t got = ::read(options_.lifetime_fd, &byte, 1);
  if (got > 0 || (got < 0 && (errno == EINTR || errno == EAGAIN))) return;
  end_ = Status(StatusCode::kAborted, "the process that started this worker is gone");
}

}  // namespace fanfold::worker
