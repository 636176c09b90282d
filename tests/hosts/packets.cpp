#include "tests/hosts/packets.hpp"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cstring>

namespace fanfold::hosts {
namespace {

constexpr std::uint32_t kNet = (10u << 24) | (77u << 16);

std::uint32_t sum_of(std::string_view bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]) << 8 |
                                      static_cast<unsigned char>(bytes[i + 1]));
  }
  return sum;
}

std::uint16_t folded(std::uint32_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return htons(static_cast<std::uint16_t>(~sum));
}

template <class Header>
std::string_view bytes_of(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

bool read_headers(std::string_view packet, iphdr* ip, tcphdr* tcp) {
  if (packet.size() < sizeof *ip + sizeof *tcp) return false;
  std::memcpy(ip, packet.data(), sizeof *ip);
  if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_TCP) return false;
  std::memcpy(tcp, packet.data() + sizeof *ip, sizeof *tcp);
  return true;
}

std::string make_reset(std::uint32_t from, std::uint32_t to, std::uint16_t source,
                       std::uint16_t target, std::uint32_t sequence) {
  iphdr ip{};
  ip.version = 4;
  ip.ihl = 5;
  ip.tot_len = htons(sizeof(iphdr) + sizeof(tcphdr));
  ip.ttl = 64;
  ip.protocol = IPPROTO_TCP;
  ip.saddr = from;
  ip.daddr = to;
  ip.check = folded(sum_of(bytes_of(ip), 0));
  tcphdr tcp{};
  tcp.source = source;
  tcp.dest = target;
  tcp.seq = sequence;
  tcp.doff = 5;
  tcp.rst = 1;
  // The checksum covers the addresses, too.
  const std::uint32_t pseudo =
      sum_of(bytes_of(ip.saddr), 0) + sum_of(bytes_of(ip.daddr), 0) + IPPROTO_TCP + sizeof(tcphdr);
  tcp.check = folded(sum_of(bytes_of(tcp), pseudo));
  return std::string(bytes_of(ip)) + std::string(bytes_of(tcp));
}

}  // namespace

std::optional<std::pair<int, int>> ends_of(std::string_view packet) {
  iphdr ip{};
  if (packet.size() < sizeof ip) return std::nullopt;
  std::memcpy(&ip, packet.data(), sizeof ip);
  const std::uint32_t from = ntohl(ip.saddr);
  const std::uint32_t to = ntohl(ip.daddr);
  if (ip.version != 4 || (from & ~0xffu) != kNet || (to & ~0xffu) != kNet) return std::nullopt;
  return std::pair(static_cast<int>(from & 0xff), static_cast<int>(to & 0xff));
}

std::optional<TcpPacket> tcp_of(std::string_view packet) {
  iphdr ip{};
  tcphdr tcp{};
  if (!read_headers(packet, &ip, &tcp)) return std::nullopt;
  const auto end = [](std::uint32_t address, std::uint16_t port) {
    return std::uint64_t{ntohl(address) & 0xff} << 16 | ntohs(port);
  };
  const auto [low, high] = std::minmax(end(ip.saddr, tcp.source), end(ip.daddr, tcp.dest));
  return TcpPacket{high << 24 | low, tcp.syn != 0 && tcp.ack == 0};
}

std::optional<std::pair<std::string, std::string>> resets_for(std::string_view packet) {
  iphdr ip{};
  tcphdr tcp{};
  if (!read_headers(packet, &ip, &tcp)) return std::nullopt;
  if (tcp.syn != 0 || tcp.rst != 0 || tcp.ack == 0) return std::nullopt;
  return std::pair(make_reset(ip.daddr, ip.saddr, tcp.dest, tcp.source, tcp.ack_seq),
                   make_reset(ip.saddr, ip.daddr, tcp.source, tcp.dest, tcp.seq));
}

}  // namespace fanfold::hosts
