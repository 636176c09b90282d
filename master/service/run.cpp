#include "master/service/run.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "common/core/clock.hpp"
#include "common/host/storage_kind.hpp"
#include "common/http/http_server.hpp"
#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "common/security/key_directory.hpp"
#include "common/security/live_keys.hpp"
#include "common/security/plugin_list.hpp"
#include "common/storage/storage.hpp"
#include "master/blobs/blob_store.hpp"
#include "master/events/event_files.hpp"
#include "master/service/process_events.hpp"
#include "master/service/service.hpp"
#include "master/service/socket_guard.hpp"
#include "master/store/store.hpp"
#include "master/web/board.hpp"
#include "master/web/questions.hpp"
#include "master/web/site.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

/// Nothing is due: a turn with nothing to do costs nothing.
constexpr Duration kIdleWait = 60s;
/// The last answers may take this long to leave.
constexpr Duration kLinger = 500ms;

struct Identity {
  std::string unique;
  std::uint64_t epoch = 1;
};

/// Two masters must not share staging directories, nor take each other's workers for their own.
Identity random_identity() {
  std::random_device random;
  constexpr char kDigits[] = "0123456789abcdef";
  Identity identity;
  std::uint32_t bits = random();
  for (int i = 0; i < 8; ++i, bits >>= 4) identity.unique.push_back(kDigits[bits & 15]);
  // Half of the epochs that fit into an attempt's id.
  identity.epoch = 1 + random() % (1u << 23);
  return identity;
}

std::int64_t unix_us_at_origin() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now -
                                                               steady_clock().now().since_origin)
      .count();
}

/// Null: none are kept.  Whatever is wrong with the place, the master can do without.
std::unique_ptr<EventSink> open_event_logs(const std::string& directory, Log& log) {
  if (directory.empty()) return nullptr;
  Result<std::unique_ptr<EventFiles>> files =
      EventFiles::open(directory, {.bytes_total = limits::kEventBytesKept,
                                   .jobs = limits::kJobsRemembered,
                                   .disk_reserve = limits::kEventDiskReserve});
  if (files.ok()) return *std::move(files);
  log.warn("events.not_kept", {{"reason", files.status().message()}});
  return nullptr;
}

/// Without a directory nothing is kept for a next master.
Result<OpenedStore> open_state(const std::string& directory, std::uint64_t epoch, Log& log) {
  if (directory.empty()) return memory_store(epoch);
  FANFOLD_ASSIGN_OR_RETURN(OpenedStore opened, open_store(directory));
  if (const StorageKind kind = storage_kind(directory); kind.shared) {
    log.warn("state.on_shared_storage", {{"state", directory}, {"type", kind.name}});
  }
  return opened;
}

/// Null: without a state directory there is no place for them.  Whatever else is wrong with it,
/// jobs go on.
std::unique_ptr<BlobStore> open_blobs(const std::string& state_directory, Log& log) {
  if (state_directory.empty()) return nullptr;
  Result<std::unique_ptr<BlobStore>> blobs =
      BlobStore::open(io::posix_file_system(), state_directory + "/blobs", {});
  if (blobs.ok()) return *std::move(blobs);
  log.warn("blobs.not_kept", {{"reason", blobs.status().message()}});
  return nullptr;
}

/// Null: nobody asked for them.
Result<std::unique_ptr<HttpServer>> serve_pages(const MasterOptions& options, web::Site& site,
                                                Log& log) {
  if (!options.http_port) return std::unique_ptr<HttpServer>();
  FANFOLD_ASSIGN_OR_RETURN(
      std::unique_ptr<HttpServer> server,
      HttpServer::start({.port = *options.http_port, .hosts = options.http_hosts},
                        [&site](const HttpRequest& request) { return site.respond(request); }));
  log.info("http.listening", {{"host", "127.0.0.1"}, {"port", server->port()}});
  return server;
}

/// What the master proves itself with, and whom it lets in.
struct MasterKeys {
  net::Protection protection = net::NoTcp{};
  std::shared_ptr<security::LiveKeys> accepted;  // Shared with the transport; null: none.
  std::string fingerprint;                       // Of its own.

  void tell(const std::string& directory, Log& log) const {
    if (fingerprint.empty()) return;
    log.info("keys.opened", {{"directory", directory}, {"master", fingerprint}});
  }
};

Result<MasterKeys> read_keys(const MasterOptions& options) {
  MasterKeys keys;
  if (options.allow_unauthenticated_tcp) keys.protection = net::UnprotectedLoopback{};
  if (options.key_directory.empty()) return keys;
  if (!options.address.starts_with("tcp://")) {
    return Status(StatusCode::kInvalidArgument,
                  "--keys is for tcp:// addresses; " + options.address +
                      " is protected by the directory that it lies in");
  }
  FANFOLD_ASSIGN_OR_RETURN(const security::KeyFile own,
                           security::read_master_key(options.key_directory));
  FANFOLD_ASSIGN_OR_RETURN(keys.accepted, security::LiveKeys::open(options.key_directory));
  keys.fingerprint = security::fingerprint(own.pair.public_key);
  keys.protection =
      net::Guarded{std::make_shared<const security::KeyPair>(own.pair), keys.accepted};
  return keys;
}

/// Connections of many take descriptors; so do those who come to take them.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  // Refused: then fewer connections are taken at once.
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

Status announce(int ready_fd, const std::string& address) {
  if (ready_fd < 0) return {};
  const std::string line = address + "\n";
  std::size_t written = 0;
  while (written < line.size()) {
    const ssize_t count = ::write(ready_fd, line.data() + written, line.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return {StatusCode::kIoError, "cannot write to --ready-fd " + std::to_string(ready_fd) +
                                        ": " + std::strerror(errno)};
    }
    written += static_cast<std::size_t>(count);
  }
  ::close(ready_fd);
  return {};
}

Status serve(MasterService& service, ProcessEvents& events, net::Transport& transport,
             StopReason at_signal) {
  transport.watch(events.descriptors());
  while (!service.stopped()) {
    FANFOLD_RETURN_IF_ERROR(service.turn(kIdleWait));
    const ProcessEvents::Seen seen = events.poll();
    if (seen.stop_signal) service.stop(at_signal);
    if (seen.parent_gone) {
      transport.watch(events.descriptors());
      service.stop(StopReason::kParentGone);
    }
  }
  return {};
}

}  // namespace

Status run_master(const MasterOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(ProcessEvents events, ProcessEvents::open(options.lifetime_fd));
  FANFOLD_ASSIGN_OR_RETURN(Log log, Log::open(options.log_file, options.log_level));
  raise_descriptor_limit();
  auto keys = read_keys(options);
  if (!keys.ok()) return std::move(keys).status().with_context("--keys");
  const net::SocketOptions socket_options{.protection = keys->protection, .linger = kLinger};
  FANFOLD_RETURN_IF_ERROR(net::check_address(options.address, socket_options));
  FANFOLD_RETURN_IF_ERROR(check_socket_directory(options.address));
  FANFOLD_ASSIGN_OR_RETURN(const auto plugins, security::read_allowed_plugins(options.plugin_list));
  const Identity identity = random_identity();
  FANFOLD_ASSIGN_OR_RETURN(OpenedStore opened,
                           open_state(options.state_directory, identity.epoch, log));
  FANFOLD_ASSIGN_OR_RETURN(std::unique_ptr<net::BoundTransport> transport,
                           net::listen(options.address, socket_options));
  Log audit;
  if (!options.audit_file.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(audit, Log::open(options.audit_file, LogLevel::kInfo));
    if (!keys->fingerprint.empty()) audit.info("master.started", {{"key", keys->fingerprint}});
  }
  ServiceSettings settings;
  settings.address = transport->bound_address();
  settings.unique = identity.unique;
  settings.epoch = opened.stored.epoch;
  settings.state_id = opened.stored.state_id;
  settings.process = static_cast<std::uint32_t>(::getpid());
  // Of a private cluster, whose only job is often there before its worker.
  settings.slots_expected = std::max(1u, std::thread::hardware_concurrency());
  settings.heartbeat_interval = options.heartbeat;
  settings.worker_silence_max = options.worker_silence;
  settings.host_absence_max = options.host_absence;
  settings.unix_us_at_origin = unix_us_at_origin();
  const std::unique_ptr<EventSink> event_logs = open_event_logs(options.event_directory, log);
  ServiceDoors doors{steady_clock(), storage(), *transport, *opened.store, log};
  doors.events = event_logs.get();
  doors.keys = keys->accepted.get();
  doors.plugins = plugins ? &*plugins : nullptr;
  doors.audit = options.audit_file.empty() ? nullptr : &audit;
  const auto blobs = open_blobs(options.state_directory, log);
  doors.blobs = blobs.get();
  web::Board board;
  web::Questions questions([&transport] { transport->wake(); });
  doors.board = options.http_port ? &board : nullptr;
  doors.questions = options.http_port ? &questions : nullptr;
  web::Site site(board, questions, options.event_directory);
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<HttpServer> pages,
                           serve_pages(options, site, log));
  auto service = std::make_unique<MasterService>(settings, doors);
  FANFOLD_RETURN_IF_ERROR(service->recover(opened.stored));
  opened.stored = {};
  log.info(
      "master.started",
      {{"address", settings.address}, {"epoch", settings.epoch}, {"process", settings.process}});
  keys->tell(options.key_directory, log);
  FANFOLD_RETURN_IF_ERROR(announce(options.ready_fd, settings.address));

  // With a state directory a next master goes on; without one nobody could.
  const StopReason at_signal =
      options.state_directory.empty() ? StopReason::kRequested : StopReason::kSuspended;
  const Status outcome = serve(*service, events, *transport, at_signal);
  if (!outcome.ok()) log.error("master.failed", {{"reason", outcome.message()}});
  if (!service->idle()) {
    // Planning or publishing did not end within the patience; joining its thread might take
    // minutes.  One more look at the transport lets the last answers leave.
    static_cast<void>(transport->receive(kLinger));
    std::_Exit(outcome.ok() ? EXIT_SUCCESS : EXIT_FAILURE);
  }
  return outcome;
}

}  // namespace fanfold::master
