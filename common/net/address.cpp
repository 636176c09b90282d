#include "common/net/address.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::net {
namespace {

Status invalid(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

std::string reason_of(int error) {
  char buffer[128];
  return ::strerror_r(error, buffer, sizeof buffer);
}

Result<Address> parse_ipc(const std::string& address, std::string_view path) {
  if (path.empty() || path.front() != '/' || path.back() == '/' ||
      path.find('\0') != std::string_view::npos) {
    return invalid("address '" + address +
                   "': after ipc:// comes the absolute path of a socket, as in "
                   "ipc:///run/fanfold/master.sock");
  }
  if (path.size() > limits::kSocketPathBytes) {
    return invalid("the socket path '" + std::string(path) + "' is " + std::to_string(path.size()) +
                   " bytes long, the system allows " + std::to_string(limits::kSocketPathBytes) +
                   ": use a directory with a shorter name");
  }
  Address result;
  result.scheme = Scheme::kIpc;
  result.path = path;
  return result;
}

bool is_loopback(const std::string& host) {
  in_addr address{};
  // A name may begin with 127, too, and be that of another host.
  const bool numeric = ::inet_pton(AF_INET, host.c_str(), &address) == 1;
  return (numeric && ntohl(address.s_addr) >> 24 == 127) || host == "localhost" || host == "[::1]";
}

Status check_protection(const std::string& address, const std::string& host,
                        const Protection& protection) {
  if (std::holds_alternative<NoTcp>(protection)) {
    return invalid("TCP needs keys, even on the same host: '" + address +
                   "' would let anybody who reaches it run code.\n'fanfold keys init' and "
                   "'fanfold keys add' make them; then give --keys DIR to fanfold-master, --key "
                   "FILE to everybody else. An ipc:///path address needs none");
  }
  if (std::holds_alternative<UnprotectedLoopback>(protection) && !is_loopback(host)) {
    return invalid("'" + address + "': without keys TCP never leaves this host; use 127.0.0.1");
  }
  return {};
}

Result<Address> parse_tcp(const std::string& address, std::string_view rest,
                          const SocketOptions& options) {
  Address result;
  result.scheme = Scheme::kTcp;
  if (const std::size_t hash = rest.find('#'); hash != rest.npos) {
    const auto bytes = security::parse_hex(rest.substr(hash + 1));
    if (!bytes) return invalid("address '" + address + "': after # come the 64 digits of a key");
    result.key = security::PublicKey{*bytes};
    rest = rest.substr(0, hash);
  }
  const std::size_t colon = rest.rfind(':');
  const std::string_view port = colon == rest.npos ? "" : rest.substr(colon + 1);
  result.host = rest.substr(0, colon == rest.npos ? 0 : colon);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
  const bool bare_ipv6 = result.host.find(':') != result.host.npos && result.host.front() != '[';
  if (result.host.empty() || port.empty() || error != std::errc() ||
      end != port.data() + port.size() || bare_ipv6 ||
      result.host.find_first_of("/;, ") != result.host.npos) {
    return invalid("address '" + address +
                   "': after tcp:// come host:port, as in tcp://127.0.0.1:7077");
  }
  FANFOLD_RETURN_IF_ERROR(check_protection(address, result.host, options.protection));
  return result;
}

/// 0 when somebody accepts connections at `path`, otherwise errno.
int probe(const std::string& path) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.open()) return errno;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  FANFOLD_CHECK(path.size() < sizeof name.sun_path);
  std::memcpy(name.sun_path, path.data(), path.size());
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0) {
    return 0;
  }
  return errno;
}

}  // namespace

Result<Address> parse_address(const std::string& address, const SocketOptions& options) {
  constexpr std::string_view kIpcPrefix = "ipc://";
  constexpr std::string_view kTcpPrefix = "tcp://";
  const std::string_view text = address;
  if (text.substr(0, kIpcPrefix.size()) == kIpcPrefix) {
    return parse_ipc(address, text.substr(kIpcPrefix.size()));
  }
  if (text.substr(0, kTcpPrefix.size()) == kTcpPrefix) {
    return parse_tcp(address, text.substr(kTcpPrefix.size()), options);
  }
  const std::size_t colon = text.find("://");
  if (colon == text.npos) {
    return invalid("address '" + address + "' has no scheme: write ipc:///path/of/a/socket");
  }
  return invalid("address '" + address + "': the scheme '" + std::string(text.substr(0, colon)) +
                 "' is not known; use ipc:///path/of/a/socket");
}

std::string Address::endpoint() const {
  return scheme == Scheme::kIpc ? "ipc://" + path : "tcp://" + host + ":" + std::to_string(port);
}

std::string with_key(const std::string& address, const security::PublicKey& key) {
  if (!address.starts_with("tcp://")) return address;
  return address.substr(0, address.find('#')) + "#" + security::to_hex(key.bytes);
}

Status check_address(const std::string& address, const SocketOptions& options) {
  return parse_address(address, options).status();
}

Status claim_socket_path(const std::string& address, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  struct stat found {};
  if (::stat(directory.c_str(), &found) != 0) {
    return Status(StatusCode::kNotFound, "cannot listen at " + address + ": directory " +
                                             directory + ": " + reason_of(errno));
  }
  if (!S_ISDIR(found.st_mode)) {
    return Status(StatusCode::kNotFound,
                  "cannot listen at " + address + ": " + directory + " is not a directory");
  }
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return Status();
    return Status(StatusCode::kIoError, "cannot listen at " + address + ": " + reason_of(errno));
  }
  if (!S_ISSOCK(found.st_mode)) {
    return Status(StatusCode::kAlreadyExists,
                  "cannot listen at " + address + ": the file is there and is not a socket");
  }
  const int error = probe(path);
  // EAGAIN: somebody listens and has a full backlog.
  if (error == 0 || error == EAGAIN) {
    return Status(StatusCode::kAlreadyExists,
                  "the address " + address + " is in use by a running process");
  }
  if (error != ECONNREFUSED && error != ENOENT) {
    return Status(StatusCode::kIoError, "cannot listen at " + address + ": " + reason_of(error));
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Status(StatusCode::kIoError,
                  "cannot listen at " + address +
                      ": its old socket file cannot be removed: " + reason_of(errno));
  }
  return Status();
}

}  // namespace fanfold::net
