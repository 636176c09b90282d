// The only file that knows cpp-httplib.

#include "common/http/http_server.hpp"

#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <future>
#include <list>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "common/core/unique_fd.hpp"

namespace fanfold {
namespace {

using namespace std::chrono_literals;
using SteadyTime = std::chrono::steady_clock::time_point;

/// Threads that answer, and connections that wait for one of them.
constexpr std::size_t kThreads = 4;
constexpr std::size_t kConnectionsWaiting = 16;
/// A browser that has not sent its request within this time, or not taken its answer, is let go.
constexpr auto kRequestPatience = 5s;
constexpr auto kAnswerPatience = 10s;
/// Of a request, all headers included.
constexpr std::size_t kRequestBytes = 8u << 10;
constexpr const char* kLoopback = "127.0.0.1";

/// Who must not be answered by what a page of ours does not do.
const httplib::Headers kProtection = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cache-Control", "no-store"},
};

/// Blocks whoever accepts connections while all threads are busy and enough wait already.
class BoundedQueue final : public httplib::TaskQueue {
 public:
  explicit BoundedQueue(std::promise<void>* listening) {
    for (std::size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
    listening->set_value();
  }

  void enqueue(std::function<void()> task) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < kConnectionsWaiting; });
    waiting_.push_back(std::move(task));
    changed_.notify_all();
  }

  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
      changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return over_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const std::function<void()> task = std::move(waiting_.front());
      waiting_.pop_front();
      changed_.notify_all();
      lock.unlock();
      task();
    }
  }

  // std's own: the library's interface knows no annotations.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::function<void()>> waiting_;
  bool over_ = false;
  std::vector<std::thread> threads_;
};

/// One connection of somebody who may be anybody: so many bytes in, so much time, and no more.  The
/// library's own stream bounds neither.
class BoundedStream final : public httplib::Stream {
 public:
  /// Ends when `stop` is readable.  Borrows both.
  BoundedStream(int socket, int stop) : socket_(socket), stop_(stop) {}

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }

  ssize_t read(char* to, size_t size) override {
    if (begin_ == end_ && !fill()) return -1;
    const std::size_t taken = std::min(size, end_ - begin_);
    std::memcpy(to, buffer_.data() + begin_, taken);
    begin_ += taken;
    return static_cast<ssize_t>(taken);
  }

  ssize_t write(const char* from, size_t size) override {
    if (!answering_) deadline_ = std::chrono::steady_clock::now() + kAnswerPatience;
    answering_ = true;
    if (!wait(POLLOUT)) return -1;
    return ::send(socket_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
  socket_t socket() const override { return socket_; }

 private:
  bool fill() {
    const std::size_t room = std::min(buffer_.size(), kRequestBytes - received_);
    if (room == 0 || !wait(POLLIN)) return false;
    const ssize_t got = ::recv(socket_, buffer_.data(), room, 0);
    if (got <= 0) return false;
    received_ += static_cast<std::size_t>(got);
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
    return true;
  }

  bool wait(short event) const {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          deadline_ - std::chrono::steady_clock::now());
      pollfd watched[] = {{socket_, event, 0}, {stop_, POLLIN, 0}};
      const int ready = left > 0ms ? ::poll(watched, 2, static_cast<int>(left.count())) : 0;
      if (ready < 0 && errno == EINTR) continue;
      return ready > 0 && watched[1].revents == 0;
    }
  }

  const int socket_;
  const int stop_;
  SteadyTime deadline_ = std::chrono::steady_clock::now() + kRequestPatience;
  bool answering_ = false;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t received_ = 0;
};

class BoundedServer final : public httplib::Server {
 public:
  explicit BoundedServer(UniqueFd stop) : stop_(std::move(stop)) {}

  /// Connections that are open end at once.
  void end_connections() const {
    const std::uint64_t one = 1;
    static_cast<void>(::write(stop_.get(), &one, sizeof one));
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    const UniqueFd owned(socket);
    BoundedStream stream(socket, stop_.get());
    bool closed = false;
    const bool answered = process_request(stream, true, closed, nullptr);
    ::shutdown(socket, SHUT_RDWR);
    return answered;
  }

  const UniqueFd stop_;  // Readable once the server is to end.
};

void reuse_address(socket_t socket) {
  // Not SO_REUSEPORT, with which two masters would share a port and each get half of the requests.
  const int yes = 1;
  static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
}

bool has_body(const httplib::Request& request) {
  return request.has_header("Transfer-Encoding") ||
         (request.has_header("Content-Length") &&
          request.get_header_value("Content-Length") != "0");
}

void put(HttpResponse answer, httplib::Response* response) {
  response->status = answer.status;
  response->headers.insert(kProtection.begin(), kProtection.end());
  const std::size_t size = answer.body.size();
  if (size == 0) return response->set_content("", answer.type);
  // As a stream of known length: as text the library would compress it, which costs more than the
  // loopback device.
  response->set_content_provider(
      size, answer.type,
      [body = std::move(answer.body)](std::size_t offset, std::size_t length,
                                      httplib::DataSink& sink) {
        if (offset >= body.size()) return false;
        return sink.write(body.data() + offset, std::min(length, body.size() - offset));
      });
}

}  // namespace

struct HttpServer::State {
  explicit State(UniqueFd stop) : server(std::move(stop)) {}

  BoundedServer server;
  std::set<std::string, std::less<>> hosts;
  Responder responder;
  int port = 0;
  std::promise<void> listening;
  std::thread thread;

  HttpResponse answer(const httplib::Request& request) const {
    // The library takes the part out of any answer, whether the part is there or not.
    if (!request.ranges.empty()) return {.status = 416, .body = ""};
    if (request.method != "GET" && request.method != "HEAD") {
      return {.status = 405, .body = "only GET and HEAD are answered here\n"};
    }
    if (request.get_header_value_count("Host") != 1 ||
        !hosts.contains(request.get_header_value("Host"))) {
      return {.status = 421,
              .body = "this server is not known by the name that was asked for: see --http-host\n"};
    }
    if (has_body(request)) return {.status = 400, .body = "a request here has no body\n"};
    HttpRequest asked;
    asked.path = request.path;
    for (const auto& [name, value] : request.params) asked.query.emplace(name, value);
    return responder(asked);
  }
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpOptions options, Responder responder) {
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.open()) {
    return Status(StatusCode::kUnavailable,
                  "no descriptor is left for --http: " + std::string(std::strerror(errno)));
  }
  auto state = std::make_unique<State>(std::move(stop));
  State& one = *state;
  one.responder = std::move(responder);
  BoundedServer& server = one.server;
  server.set_socket_options(reuse_address);
  server.set_keep_alive_max_count(1);
  server.set_pre_routing_handler(
      [&one](const httplib::Request& request, httplib::Response& response) {
        put(one.answer(request), &response);
        return httplib::Server::HandlerResponse::Handled;
      });
  server.new_task_queue = [&one] { return new BoundedQueue(&one.listening); };

  errno = 0;
  if (options.port == 0) {
    one.port = server.bind_to_any_port(kLoopback);
  } else if (server.bind_to_port(kLoopback, options.port)) {
    one.port = options.port;
  }
  if (one.port <= 0) {
    return Status(StatusCode::kUnavailable, "cannot listen on " + std::string(kLoopback) + ":" +
                                                std::to_string(options.port) +
                                                " for --http: " + std::strerror(errno) +
                                                "; choose another port, or 0 for any");
  }
  for (const char* name : {"127.0.0.1", "localhost", "[::1]"}) {
    one.hosts.insert(std::string(name) + ":" + std::to_string(one.port));
    // A browser leaves the port out when it is that of the scheme.
    if (one.port == 80) one.hosts.insert(name);
  }
  one.hosts.insert(options.hosts.begin(), options.hosts.end());
  std::future<void> listening = one.listening.get_future();
  one.thread = std::thread([&one] { static_cast<void>(one.server.listen_after_bind()); });
  // Before that stop() would be overheard.
  listening.wait();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::~HttpServer() {
  state_->server.end_connections();
  state_->server.stop();
  state_->thread.join();
}

std::uint16_t HttpServer::port() const { return static_cast<std::uint16_t>(state_->port); }

}  // namespace fanfold
