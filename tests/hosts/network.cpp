#include "tests/hosts/network.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "tests/hosts/packets.hpp"

namespace fanfold::hosts {
namespace {

/// What a slow way holds back before it loses what comes: a quarter of a second or so.
constexpr std::uint64_t kQueueBytes = 256u << 10;
constexpr std::size_t kPacketBytesMax = 65'536;

}  // namespace

Network::Network() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Network::~Network() {
  std::vector<int> numbers;
  for (const auto& [number, host] : hosts_) numbers.push_back(number);
  for (const int number : numbers) remove_host(number);
  thread_.request_stop();
  static_cast<void>(::eventfd_write(wake_.get(), 1));
}

void Network::add_host(int number, const std::string& disk, std::uint64_t disk_bytes) {
  HeldHost held = start_holder(number, address(number), disk, disk_bytes);
  const std::scoped_lock lock(mutex_);
  hosts_[number] = std::move(held);
  static_cast<void>(::eventfd_write(wake_.get(), 1));
}

void Network::remove_host(int number) {
  HeldHost gone;
  {
    const std::scoped_lock lock(mutex_);
    const auto host = hosts_.find(number);
    if (host == hosts_.end()) return;
    gone = std::move(host->second);
    hosts_.erase(host);
    std::erase_if(on_the_way_, [&](const auto& one) { return one.second.to == number; });
  }
  end_host(gone);
}

std::vector<std::string> Network::enter(int number, const std::string& directory) const {
  const std::scoped_lock lock(mutex_);
  const std::string holder = std::to_string(hosts_.at(number).holder);
  return {"/usr/bin/nsenter",    "--target", holder, "--net", "--uts", "--mount", "--pid",
          "--wdns=" + directory, "--"};
}

void Network::set(int from, int to, const Link& link) {
  const std::scoped_lock lock(mutex_);
  ways_.try_emplace({from, to}).first->second.link = link;
}

void Network::set_all(const Link& link) {
  const std::scoped_lock lock(mutex_);
  usual_ = link;
  for (auto& [ends, way] : ways_) way.link = link;
}

void Network::reset_connections() {
  const std::scoped_lock lock(mutex_);
  ++generation_;
}

std::uint64_t Network::resets() const {
  const std::scoped_lock lock(mutex_);
  return resets_;
}

std::uint64_t Network::bytes(int from, int to) const {
  const std::scoped_lock lock(mutex_);
  const auto way = ways_.find({from, to});
  return way == ways_.end() ? 0 : way->second.bytes;
}

void Network::write(int to, const std::string& packet) const {
  const auto host = hosts_.find(to);
  // What cannot be taken now is lost: that is what networks do.
  if (host != hosts_.end() &&
      ::write(host->second.tunnel.get(), packet.data(), packet.size()) < 0) {
    return;
  }
}

bool Network::reset(const std::string& packet, int from, int to) {
  const auto tcp = tcp_of(packet);
  if (!tcp) return false;
  const auto born = born_.try_emplace(tcp->connection, generation_).first;
  if (tcp->begins) born->second = generation_;
  if (born->second == generation_) return false;
  const auto resets = resets_for(packet);
  if (!resets) return false;
  born_.erase(born);
  ++resets_;
  write(from, resets->first);
  write(to, resets->second);
  return true;
}

void Network::take(int from, std::string packet) {
  const auto ends = ends_of(packet);
  if (!ends || ends->first != from || hosts_.count(ends->second) == 0) return;
  const int to = ends->second;
  const auto [place, fresh] = ways_.try_emplace({from, to});
  Way& way = place->second;
  if (fresh) way.link = usual_;
  const Link& link = way.link;
  const auto chance = [this] { return static_cast<double>(random_() % 1'000'000) / 1e6; };
  if (link.cut || (link.loss > 0 && chance() < link.loss)) return;
  if (reset(packet, from, to)) return;
  const Clock::time_point now = Clock::now();
  Clock::time_point due = now + link.delay;
  if (link.bytes_per_second > 0) {
    if (way.waiting + packet.size() > kQueueBytes) return;
    way.free = std::max(way.free, now) +
               std::chrono::nanoseconds(packet.size() * 1'000'000'000 / link.bytes_per_second);
    due = way.free + link.delay;
  }
  way.bytes += packet.size();
  if (due <= now) return write(to, packet);
  way.waiting += packet.size();
  on_the_way_.emplace(due, Packet{from, to, std::move(packet)});
}

void Network::deliver_due() {
  const Clock::time_point now = Clock::now();
  while (!on_the_way_.empty() && on_the_way_.begin()->first <= now) {
    const Packet packet = std::move(on_the_way_.begin()->second);
    on_the_way_.erase(on_the_way_.begin());
    Way& way = ways_[{packet.from, packet.to}];
    way.waiting -= std::min<std::uint64_t>(way.waiting, packet.bytes.size());
    // It was on the way when the way was cut.
    if (!way.link.cut) write(packet.to, packet.bytes);
  }
}

int Network::milliseconds_to_next() const {
  if (on_the_way_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(on_the_way_.begin()->first - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void Network::run(const std::stop_token& stop) {
  std::string buffer(kPacketBytesMax, '\0');
  while (!stop.stop_requested()) {
    std::vector<pollfd> waits = {{wake_.get(), POLLIN, 0}};
    std::vector<int> numbers = {0};
    int patience = -1;
    {
      const std::scoped_lock lock(mutex_);
      for (const auto& [number, host] : hosts_) {
        waits.push_back({host.tunnel.get(), POLLIN, 0});
        numbers.push_back(number);
      }
      patience = milliseconds_to_next();
    }
    ::poll(waits.data(), waits.size(), patience);
    eventfd_t ignored = 0;
    if (waits[0].revents != 0) static_cast<void>(::eventfd_read(wake_.get(), &ignored));
    const std::scoped_lock lock(mutex_);
    deliver_due();
    for (std::size_t i = 1; i < waits.size(); ++i) {
      if (waits[i].revents == 0) continue;
      // A host may have gone since.
      const auto host = hosts_.find(numbers[i]);
      if (host == hosts_.end() || host->second.tunnel.get() != waits[i].fd) continue;
      // Some at a time: the others want their turn.
      for (int packets = 0; packets < 16; ++packets) {
        const ssize_t size = ::read(waits[i].fd, buffer.data(), buffer.size());
        if (size <= 0) break;
        take(numbers[i], buffer.substr(0, static_cast<std::size_t>(size)));
      }
    }
  }
}

}  // namespace fanfold::hosts
