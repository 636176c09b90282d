// Whether programs of this host can listen on TCP, and where somebody listens already.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/doctor/host_facts.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::cli {
namespace {

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  address.sin_port = htons(port);
  return address;
}

/// 0, or the errno of what failed.
int listen_at(std::uint32_t host, std::uint16_t port, UniqueFd* listener) {
  *listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener->open()) return errno;
  // As a master does, which is not kept away by connections of an earlier one.
  const int yes = 1;
  ::setsockopt(listener->get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in address = address_of(host, port);
  const bool listens =
      ::bind(listener->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::listen(listener->get(), 1) == 0;
  return listens ? 0 : errno;
}

int reach(const UniqueFd& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return errno;
  }
  const UniqueFd peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!peer.open()) return errno;
  return ::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
             ? 0
             : errno;
}

}  // namespace

PortFacts look_at_ports(const std::vector<std::uint16_t>& wanted) {
  PortFacts facts;
  UniqueFd listener;
  int error = listen_at(INADDR_LOOPBACK, 0, &listener);
  if (error == 0) error = reach(listener);
  if (error != 0) facts.loopback_trouble = std::strerror(error);
  for (const std::uint16_t port : wanted) {
    UniqueFd trial;
    if (const int refused = listen_at(INADDR_ANY, port, &trial); refused != 0) {
      facts.refused.push_back({port, std::strerror(refused)});
    } else {
      facts.free.push_back(port);
    }
  }
  std::ifstream range("/proc/sys/net/ipv4/ip_local_port_range");
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  if (range >> first >> last && last >= first) facts.for_connections = last - first + 1;
  return facts;
}

}  // namespace fanfold::cli
