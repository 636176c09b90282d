// The ends of simulated connections, as the services see them.

#pragma once

#include <map>
#include <string>

#include "sim/doors/network.hpp"

namespace fanfold::sim {

/// receive() never waits: an empty inbox is told to the process as the wish to wait.
template <class Door>
class WaitingDoor : public Door, public TurnWait {
 public:
  void watch(std::span<const int> /*descriptors*/) override {}
  void begin_turn() override {
    first_ = true;
    waited_.reset();
  }
  std::optional<Duration> waited() const override { return waited_; }

 protected:
  Result<std::optional<net::Frame>> receive_from(Endpoint& endpoint, Duration timeout) {
    std::optional<net::Frame> frame = endpoint.take();
    if (first_ && !frame) waited_ = timeout;
    first_ = false;
    return frame;
  }

 private:
  bool first_ = true;
  std::optional<Duration> waited_;
};

class BoundEndpoint final : public WaitingDoor<net::BoundTransport>, public Endpoint {
 public:
  BoundEndpoint(Network& network, Process& owner, std::string address)
      : Endpoint(network, owner), address_(std::move(address)) {}
  ~BoundEndpoint() override { network_.closed(*this); }

  const std::string& bound_address() const override { return address_; }
  Status send(const net::PeerId& peer, std::string payload) override {
    const auto link = links_.find(peer);
    if (link == links_.end()) {
      network_.say_in_vain(owner_, peer, payload);
      return {StatusCode::kUnavailable, "the peer is gone"};
    }
    network_.carry(link->second, Network::Way::kDown, std::move(payload));
    return {};
  }
  Result<std::optional<net::Frame>> receive(Duration timeout) override {
    return receive_from(*this, timeout);
  }
  void wake() override { owner_.wake(); }

  void remember(const net::PeerId& peer, Network::LinkId link) { links_[peer] = link; }
  void forget(const net::PeerId& peer) { links_.erase(peer); }

 private:
  const std::string address_;
  std::map<net::PeerId, Network::LinkId> links_;
};

class ClientEndpoint final : public WaitingDoor<net::Transport>, public Endpoint {
 public:
  ClientEndpoint(Network& network, Process& owner, const std::string& address)
      : Endpoint(network, owner), link_(network.open(*this, address, {})) {}
  ~ClientEndpoint() override { network_.close(link_); }

  Status send(const net::PeerId& /*peer*/, std::string payload) override {
    network_.carry(link_, Network::Way::kUp, std::move(payload));
    return {};
  }
  Result<std::optional<net::Frame>> receive(Duration timeout) override {
    return receive_from(*this, timeout);
  }
  void wake() override { owner_.wake(); }

 private:
  const Network::LinkId link_;
};

class ManyEndpoint final : public WaitingDoor<net::ConnectingTransport>, public Endpoint {
 public:
  ManyEndpoint(Network& network, Process& owner) : Endpoint(network, owner) {}
  ~ManyEndpoint() override {
    for (const auto& [peer, link] : links_) network_.close(link);
  }

  Result<net::PeerId> connect_to(const std::string& address) override {
    if (!network_.has_been_bound(address)) {
      return Status(StatusCode::kInvalidArgument, "'" + address + "' is no address");
    }
    net::PeerId peer{"c" + std::to_string(++last_)};
    links_[peer] = network_.open(*this, address, peer);
    return peer;
  }
  void disconnect(const net::PeerId& peer) override {
    network_.close(links_.at(peer));
    links_.erase(peer);
  }
  Status send(const net::PeerId& peer, std::string payload) override {
    const auto link = links_.find(peer);
    if (link == links_.end()) return {StatusCode::kUnavailable, "no such connection"};
    network_.carry(link->second, Network::Way::kUp, std::move(payload));
    return {};
  }
  Result<std::optional<net::Frame>> receive(Duration timeout) override {
    return receive_from(*this, timeout);
  }
  void wake() override { owner_.wake(); }

 private:
  std::map<net::PeerId, Network::LinkId> links_;
  std::uint64_t last_ = 0;
};

}  // namespace fanfold::sim
