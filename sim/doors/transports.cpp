#include "sim/doors/transports.hpp"

#include <utility>

namespace fanfold::sim {

void Endpoint::deliver(net::PeerId peer, std::string payload) {
  inbox_.push_back({std::move(peer), std::move(payload)});
  owner_.wake();
}

std::optional<net::Frame> Endpoint::take() {
  if (inbox_.empty()) return std::nullopt;
  net::Frame frame = std::move(inbox_.front());
  inbox_.pop_front();
  return frame;
}

}  // namespace fanfold::sim
