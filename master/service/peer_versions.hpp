// Which peers speak the version of the protocol before this one.  Of all others nothing is kept.
//
// A peer is a connection, and nobody says when one has ended: of those that have not spoken for
// long, and were followed by many others, is assumed that they speak this version.  They name
// theirs again when they say Hello or ask something.

#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::master {

class PeerVersions {
 public:
  void note(const net::PeerId& peer, std::uint32_t protocol) {
    if (protocol == proto::kProtocolVersion) {
      recent_.erase(peer);
      older_.erase(peer);
      return;
    }
    if (recent_.size() >= kRemembered) older_ = std::exchange(recent_, {});
    recent_.insert(peer);
  }
  std::uint32_t of(const net::PeerId& peer) const {
    const bool before = recent_.contains(peer) || older_.contains(peer);
    return before ? proto::kProtocolBefore : proto::kProtocolVersion;
  }

 private:
  static constexpr std::size_t kRemembered = 16'384;

  std::set<net::PeerId> recent_;
  std::set<net::PeerId> older_;
};

}  // namespace fanfold::master
