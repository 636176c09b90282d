#include "tests/chaos/relay.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <list>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/core/clock.hpp"

namespace fanfold::chaos {
namespace {

constexpr std::size_t kPieceBytes = 64u << 10;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int new_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

void send_at_once(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void close_with_reset(int socket) {
  if (socket < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(socket);
}

/// -1: nobody listens there.
int connect_to(std::uint16_t port) {
  const int socket = new_socket();
  const sockaddr_in address = loopback(port);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  if (socket >= 0 && (::connect(socket, name, sizeof address) == 0 || errno == EINPROGRESS)) {
    send_at_once(socket);
    return socket;
  }
  close_with_reset(socket);
  return -1;
}

/// What was read at one end and is to be written at the other.
struct Way {
  int from = -1;
  int to = -1;
  std::string held;
  Instant due;
};

struct Connection {
  Way ways[2];
  bool holed = false;  // Something of it was swallowed: it can never make sense again.

  Connection(int near, int far) : ways{{near, far, {}, {}}, {far, near, {}, {}}} {}
  void reset() {
    close_with_reset(ways[0].from);
    close_with_reset(ways[1].from);
  }
};

}  // namespace

class Relay::Loop {
 public:
  explicit Loop(Relay& relay) : relay_(relay), random_(relay.options_.seed) { plan_flip(); }

  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      wait();
      heed_orders();
      const Instant now = steady_clock().now();
      accept_all();
      for (auto one = connections_.begin(); one != connections_.end();) {
        const bool lives = carry(now, *one, one->ways[0]) && carry(now, *one, one->ways[1]);
        if (!lives) one->reset();
        one = lives ? std::next(one) : connections_.erase(one);
      }
    }
    for (Connection& connection : connections_) connection.reset();
  }

 private:
  void wait() {
    watched_ = {{relay_.waker_.descriptor(), POLLIN, 0}, {relay_.listener_, POLLIN, 0}};
    const Instant now = steady_clock().now();
    Duration longest = std::chrono::seconds(10);
    for (const Connection& connection : connections_) {
      for (const Way& way : connection.ways) {
        if (way.held.empty()) {
          if (way.from >= 0) watched_.push_back({way.from, POLLIN, 0});
        } else if (way.due <= now) {
          watched_.push_back({way.to, POLLOUT, 0});
        } else {
          longest = std::min(longest, way.due - now);
        }
      }
    }
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
    ::poll(watched_.data(), watched_.size(), static_cast<int>(milliseconds));
    relay_.waker_.lower();
  }

  void heed_orders() {
    const bool all = std::exchange(resets_done_, relay_.resets_wanted_.load()) != resets_done_;
    const bool open = relay_.treatment_ != Treatment::kSwallow;
    std::erase_if(connections_, [&](Connection& connection) {
      const bool doomed = all || (open && connection.holed);
      if (doomed) connection.reset();
      return doomed;
    });
  }

  void accept_all() {
    for (;;) {
      const int near = ::accept4(relay_.listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (near < 0) return;
      send_at_once(near);
      const bool swallows = relay_.treatment_ == Treatment::kSwallow;
      const int far = swallows ? -1 : connect_to(relay_.target_port());
      if (far < 0 && !swallows) {
        close_with_reset(near);
        continue;
      }
      connections_.emplace_back(near, far);
      connections_.back().holed = swallows;
    }
  }

  /// False: one end is closed, and so is the other.
  bool carry(Instant now, Connection& connection, Way& way) {
    if (way.held.empty() && way.from >= 0 && !read(now, connection, way)) return false;
    if (way.held.empty() || way.due > now) return true;
    const ssize_t put = ::send(way.to, way.held.data(), way.held.size(), MSG_NOSIGNAL);
    if (put < 0) return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
    relay_.bytes_ += static_cast<std::uint64_t>(put);
    way.held.erase(0, static_cast<std::size_t>(put));
    return true;
  }

  bool read(Instant now, Connection& connection, Way& way) {
    const Treatment treatment = relay_.treatment_;
    way.held.resize(treatment == Treatment::kSlow ? kSlowPieceBytes : kPieceBytes);
    const ssize_t got = ::recv(way.from, way.held.data(), way.held.size(), 0);
    way.held.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    way.due = now;
    if (got < 0) return errno == EAGAIN || errno == EINTR || errno == ENOTCONN;
    if (got == 0) return false;
    if (treatment == Treatment::kSlow) {
      const auto most = static_cast<std::uint64_t>(relay_.options_.late_max.count());
      way.due = now + Duration(static_cast<std::int64_t>(random_() % (most + 1)));
    } else if (treatment == Treatment::kCorrupt) {
      corrupt(way.held);
    } else if (treatment == Treatment::kSwallow) {
      relay_.bytes_swallowed_ += way.held.size();
      way.held.clear();
      connection.holed = true;
    }
    return true;
  }

  void corrupt(std::string& bytes) {
    std::uint64_t at = until_flip_;
    for (; at < bytes.size(); at += until_flip_) {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random_() % 8));
      ++relay_.bits_flipped_;
      plan_flip();
    }
    until_flip_ = at - bytes.size();
  }
  void plan_flip() { until_flip_ = 1 + random_() % (2 * relay_.options_.bytes_per_flip); }

  Relay& relay_;
  std::mt19937_64 random_;
  std::uint64_t until_flip_ = 0;  // Bytes that still pass unharmed.
  std::uint64_t resets_done_ = 0;
  std::list<Connection> connections_;
  std::vector<pollfd> watched_;
};

Relay::Relay(const RelayOptions& options) : options_(options), listener_(new_socket()) {
  sockaddr_in name = loopback(0);
  socklen_t size = sizeof name;
  if (listener_ < 0 || !waker_.usable() ||
      ::bind(listener_, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
      ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    if (listener_ >= 0) ::close(listener_);
    throw std::runtime_error("the relay cannot listen");
  }
  address_ = "tcp://127.0.0.1:" + std::to_string(ntohs(name.sin_port));
  thread_ = std::jthread([this](const std::stop_token& stop) { Loop(*this).run(stop); });
}

Relay::~Relay() {
  thread_.request_stop();
  waker_.raise();
  thread_.join();
  ::close(listener_);
}

void Relay::forward_to(std::function<std::string()> address) {
  const MutexLock lock(mutex_);
  target_ = std::move(address);
}

std::uint16_t Relay::target_port() const {
  std::function<std::string()> target;
  {
    const MutexLock lock(mutex_);
    target = target_;
  }
  const std::string address = target ? target() : "";
  const std::size_t colon = address.rfind(':');
  const std::string port = colon == address.npos ? "0" : address.substr(colon + 1);
  return static_cast<std::uint16_t>(std::strtoul(port.c_str(), nullptr, 10));
}

void Relay::treat(Treatment treatment) {
  treatment_ = treatment;
  waker_.raise();
}

void Relay::reset() {
  ++resets_wanted_;
  waker_.raise();
}

}  // namespace fanfold::chaos
