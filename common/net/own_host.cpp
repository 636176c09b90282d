#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/core/unique_fd.hpp"
#include "common/net/address.hpp"

namespace fanfold::net {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<AddressList> look_up(const Address& address) {
  const bool bracketed = address.host.front() == '[';
  const std::string host =
      bracketed ? address.host.substr(1, address.host.size() - 2) : address.host;
  addrinfo hints{};
  hints.ai_family = bracketed ? AF_INET6 : AF_INET;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return Status(StatusCode::kUnavailable,
                  "the host of " + address.endpoint() + " is not known: " + ::gai_strerror(error));
  }
  return AddressList(found, &::freeaddrinfo);
}

}  // namespace

Result<std::string> own_host_towards(const std::string& text) {
  SocketOptions any;
  any.protection = Guarded{};
  FANFOLD_ASSIGN_OR_RETURN(const Address address, parse_address(text, any));
  FANFOLD_ASSIGN_OR_RETURN(const AddressList found, look_up(address));
  // Of a datagram socket connect() asks the routes and sends nothing.
  const UniqueFd probe(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  char host[NI_MAXHOST];
  if (!probe.open() || ::connect(probe.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<const sockaddr*>(&own), size, host, sizeof host, nullptr, 0,
                    NI_NUMERICHOST) != 0) {
    char reason[128];
    return Status(StatusCode::kUnavailable,
                  "no way to " + text + ": " + ::strerror_r(errno, reason, sizeof reason));
  }
  return own.ss_family == AF_INET6 ? "[" + std::string(host) + "]" : std::string(host);
}

}  // namespace fanfold::net
