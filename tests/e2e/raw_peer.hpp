// TCP without a protocol: what strangers say to our ports, and what they overhear.

#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace fanfold::e2e {

inline sockaddr_in on_loopback(int port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<std::uint16_t>(port));
  return name;
}

/// A TCP connection that speaks no protocol.
class RawPeer {
 public:
  explicit RawPeer(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in name = on_loopback(port);
    connected_ = descriptor_ >= 0 &&
                 ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    if (connected_) ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
  }
  RawPeer(RawPeer&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), connected_(other.connected_) {}
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  bool connected() const { return connected_; }
  /// How much of it the other side took; -1: it has closed the connection.
  ssize_t say(const std::string& bytes) const {
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// Closes it in a way that the other side takes for an error.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(descriptor_, -1));
  }
  bool closed() const {
    char byte[256];
    for (;;) {
      const ssize_t got = ::recv(descriptor_, byte, sizeof byte, 0);
      if (got == 0) return true;
      if (got < 0) return errno != EAGAIN && errno != EINTR;
    }
  }

 private:
  int descriptor_;
  bool connected_ = false;
};

/// Stands between one client and a server, and keeps what the client says.
class Recorder {
 public:
  explicit Recorder(int server_port)
      : server_port_(server_port), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name = on_loopback(0);
    socklen_t size = sizeof name;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(listener_, 1) != 0 || ::pipe2(stop_, O_CLOEXEC) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
      throw std::runtime_error("cannot listen on the loopback");
    }
    port_ = ntohs(name.sin_port);
    thread_ = std::thread([this] { work(); });
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  /// The connection ends with it.
  ~Recorder() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
    ::close(listener_);
  }

  int port() const { return port_; }
  std::string said() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }

 private:
  void work() {
    if (!readable(listener_, -1)) return;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in name = on_loopback(server_port_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) {
      while (const int ready = readable(client, server)) {
        const bool from_client = ready == client;
        if (!pass(from_client ? client : server, from_client ? server : client, from_client)) break;
      }
    }
    ::close(client);
    ::close(server);
  }

  /// Which of two has something to read; 0: this is over.
  int readable(int one, int other) const {
    pollfd watched[] = {{stop_[0], POLLIN, 0}, {one, POLLIN, 0}, {other, POLLIN, 0}};
    while (::poll(watched, 3, -1) < 0 && errno == EINTR) {
    }
    if (watched[0].revents != 0) return 0;
    return watched[1].revents != 0 ? one : other;
  }

  bool pass(int from, int to, bool kept) {
    char bytes[4096];
    const ssize_t got = ::recv(from, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    if (kept) {
      const std::lock_guard lock(mutex_);
      said_.append(bytes, static_cast<std::size_t>(got));
    }
    return ::send(to, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
  }

  const int server_port_;
  const int listener_;
  int stop_[2] = {-1, -1};
  int port_ = 0;
  mutable std::mutex mutex_;
  std::string said_;
  std::thread thread_;
};

}  // namespace fanfold::e2e
