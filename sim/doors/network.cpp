#include "sim/doors/network.hpp"

#include <algorithm>

#include "common/core/check.hpp"
#include "sim/doors/transports.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// A client's frames for a server that is away; older ones are dropped.
constexpr std::size_t kWaitingMax = 200;
/// One frame in this many is much slower than the others, even on a good day.
constexpr std::uint64_t kTailOneIn = 1000;
constexpr std::int64_t kTailFactor = 10;

}  // namespace

std::unique_ptr<net::BoundTransport> Network::bind(Process& owner, const std::string& address) {
  owners_[address] = owner.index();
  auto bound = std::make_unique<BoundEndpoint>(*this, owner, address);
  listening(*bound);
  return bound;
}

std::unique_ptr<net::Transport> Network::connect(Process& owner, const std::string& address) {
  return std::make_unique<ClientEndpoint>(*this, owner, address);
}

std::unique_ptr<net::ConnectingTransport> Network::connecting(Process& owner) {
  return std::make_unique<ManyEndpoint>(*this, owner);
}

Network::LinkId Network::open(Endpoint& client, const std::string& address,
                              net::PeerId peer_of_client) {
  const LinkId id = ++last_link_;
  Link& link = links_[id];
  link.client = &client;
  link.address = address;
  link.peer_of_client = std::move(peer_of_client);
  return id;
}

void Network::break_link(Link& link) {
  ++link.breaks;
  const Process& client = link.client->owner();
  if (link.server != nullptr) {
    link.server->forget(link.peer_of_server);
    if (client.up()) lost_peers_[link.peer_of_server.value] = {&client, client.life()};
  }
  link.server = nullptr;
  link.peer_of_server = {};
}

void Network::say_in_vain(Process& sender, const net::PeerId& peer, std::string_view payload) {
  const auto lost = lost_peers_.find(peer.value);
  if (lost == lost_peers_.end()) return;
  const Process& process = *lost->second.process;
  if (!process.up() || process.life() != lost->second.life) return;
  process.witness().frame_sent(sender.index(), process.index(), payload);
}

void Network::close(LinkId id) {
  const auto known = links_.find(id);
  FANFOLD_CHECK(known != links_.end());
  break_link(known->second);
  links_.erase(known);
}

void Network::closed(BoundEndpoint& server) {
  const auto bound = bound_.find(server.bound_address());
  if (bound != bound_.end() && bound->second == &server) bound_.erase(bound);
  for (auto& [id, link] : links_) {
    if (link.server == &server) break_link(link);
  }
}

void Network::listening(BoundEndpoint& server) {
  // Whoever listened there keeps its connections, and gets no new ones.
  bound_[server.bound_address()] = &server;
  for (auto& [id, link] : links_) {
    if (link.address != server.bound_address()) continue;
    for (std::string& payload : std::exchange(link.waiting, {})) {
      hand_to_server(id, link, std::move(payload));
    }
  }
}

bool Network::blocked(std::uint32_t from, std::uint32_t to) const {
  const auto until = blocked_until_.find({from, to});
  return until != blocked_until_.end() && world_.now() < until->second;
}

Duration Network::delay_of(std::uint32_t from, std::uint32_t to, std::uint64_t ordinal) const {
  const auto low = static_cast<std::uint64_t>(options_.delay_min.count());
  const auto high = static_cast<std::uint64_t>(options_.delay_max.count());
  Duration delay(static_cast<std::int64_t>(
      world_.draws.between(Stream::kNetwork, {from, to, ordinal}, low, high)));
  if (world_.draws.bits(Stream::kNetwork, {from, to, ordinal, 1}) % kTailOneIn == 0) {
    delay *= kTailFactor;
  }
  const auto clog = clogs_.find({std::min(from, to), std::max(from, to)});
  if (clog != clogs_.end() && world_.now() < clog->second.until) {
    const auto late = static_cast<std::uint64_t>(clog->second.late.count());
    delay += Duration(static_cast<std::int64_t>(
        world_.draws.between(Stream::kNetwork, {from, to, ordinal, 2}, 0, late)));
  }
  return delay;
}

void Network::carry(LinkId id, Way way, std::string payload) {
  Link& link = links_.at(id);
  const std::uint32_t client = link.client->owner().index();
  const std::uint32_t server = owners_.at(link.address);
  const std::uint32_t from = way == Way::kUp ? client : server;
  const std::uint32_t to = way == Way::kUp ? server : client;
  ++frames_;
  link.client->owner().witness().frame_sent(from, to, payload);
  const std::uint64_t ordinal = ++ordinals_[{from, to}];
  if (blocked(from, to)) return;
  if (world_.faults.happens({FaultKind::kDrop, from, to, ordinal})) return;
  Duration delay = delay_of(from, to, ordinal);
  const Process& sender =
      way == Way::kUp ? link.client->owner() : static_cast<Endpoint*>(link.server)->owner();
  // What the sender waited for first: its disk.
  if (sender.busy_until() > world_.now()) delay += sender.busy_until() - world_.now();
  const Fault duplicate{FaultKind::kDuplicate, from, to, ordinal};
  if (world_.faults.happens(duplicate)) {
    plan_arrival(id, way, payload, delay + world_.faults.measure(duplicate, 0, 0ms, 2s), false);
  }
  const Fault reorder{FaultKind::kReorder, from, to, ordinal};
  const bool overtaken = world_.faults.happens(reorder);
  if (overtaken) delay += world_.faults.measure(reorder, 0, 1ms, 500ms);
  plan_arrival(id, way, std::move(payload), delay, !overtaken);
}

void Network::plan_arrival(LinkId id, Way way, std::string payload, Duration delay, bool in_order) {
  Link& link = links_.at(id);
  Instant when = world_.now() + delay;
  Instant& last = way == Way::kUp ? link.last_up : link.last_down;
  if (in_order) {
    when = std::max(when, last);
    last = when;
  }
  world_.timeline.at(when, [this, id, way, breaks = link.breaks, payload = std::move(payload)] {
    arrive(id, way, breaks, payload);
  });
}

void Network::arrive(LinkId id, Way way, std::uint64_t breaks, std::string payload) {
  const auto known = links_.find(id);
  if (known == links_.end() || known->second.breaks != breaks) return;
  Link& link = known->second;
  if (way == Way::kUp) {
    hand_to_server(id, link, std::move(payload));
    return;
  }
  const std::uint32_t from = owners_.at(link.address);
  const std::uint32_t to = link.client->owner().index();
  world_.trace.note(world_.now(), "arrived", {from, to, payload.size(), hash(payload)});
  link.client->owner().witness().frame_arrived(from, to, payload);
  link.client->deliver(link.peer_of_client, std::move(payload));
}

void Network::hand_to_server(LinkId id, Link& link, std::string payload) {
  if (link.server == nullptr) {
    const auto server = bound_.find(link.address);
    if (server == bound_.end()) {
      if (link.waiting.size() == kWaitingMax) link.waiting.erase(link.waiting.begin());
      link.waiting.push_back(std::move(payload));
      return;
    }
    link.server = server->second;
    link.peer_of_server = {"p" + std::to_string(++last_peer_)};
    link.server->remember(link.peer_of_server, id);
  }
  const std::uint32_t from = link.client->owner().index();
  const std::uint32_t to = owners_.at(link.address);
  world_.trace.note(world_.now(), "arrived", {from, to, payload.size(), hash(payload)});
  link.client->owner().witness().frame_arrived(from, to, payload);
  link.server->deliver(link.peer_of_server, std::move(payload));
}

void Network::reset(std::uint32_t a, std::uint32_t b) {
  for (auto& [id, link] : links_) {
    const std::uint32_t client = link.client->owner().index();
    const std::uint32_t server = owners_.at(link.address);
    if ((client == a && server == b) || (client == b && server == a)) break_link(link);
  }
}

void Network::block(std::uint32_t from, std::uint32_t to, Duration time) {
  Instant& until = blocked_until_[{from, to}];
  until = std::max(until, world_.now() + time);
}

void Network::clog(std::uint32_t a, std::uint32_t b, Duration late, Duration time) {
  clogs_[{std::min(a, b), std::max(a, b)}] = {late, world_.now() + time};
}

}  // namespace fanfold::sim
