// Frames that wait until the facts of the turn are durable.  Nothing leaves the master otherwise:
// a client or worker never hears of something that a crash could undo.
//
// Peers of the version before get messages as they know them.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/versions.hpp"
#include "master/service/peer_versions.hpp"

namespace fanfold::master {

class Outbox {
 public:
  struct Item {
    net::PeerId peer;
    std::string payload;
  };

  /// `versions` outlives it.
  explicit Outbox(const PeerVersions& versions) : versions_(versions) {}

  /// A client that does not know what the message tells of is told so; a worker is not told.
  template <class Message>
  void add(const net::PeerId& peer, const Message& message) {
    add_frame(peer, frame_for(versions_.of(peer), message));
  }
  /// Encodes it once for all of them.
  template <class Message>
  void add_all(const std::vector<net::PeerId>& peers, const Message& message) {
    std::map<std::uint32_t, std::string> frames;
    for (const net::PeerId& peer : peers) {
      const auto [frame, fresh] = frames.try_emplace(versions_.of(peer));
      if (fresh) frame->second = frame_for(frame->first, message);
      add_frame(peer, frame->second);
    }
  }
  /// One that is the same in both versions.
  void add_frame(net::PeerId peer, std::string payload) {
    if (payload.empty()) {
      ++withheld_;
      return;
    }
    items_.push_back({std::move(peer), std::move(payload)});
  }
  /// Messages that workers were not told because they do not know what they tell of: a job that
  /// needs them should not have been accepted.
  std::uint64_t withheld() const { return withheld_; }
  std::vector<Item> take() { return std::exchange(items_, {}); }
  bool empty() const { return items_.empty(); }

 private:
  /// Empty: it is not told.
  template <class Message>
  static std::string frame_for(std::uint32_t protocol, const Message& message) {
    proto::Encoded encoded = proto::encode_for(message, protocol);
    if (encoded.unknown.empty()) return std::move(encoded.frame);
    if constexpr (std::is_constructible_v<proto::ClientReply, Message>) {
      return proto::encode(too_old(protocol, encoded.unknown));
    }
    return {};
  }
  static proto::Answer too_old(std::uint32_t protocol, const std::string& unknown) {
    return {.code = static_cast<std::uint8_t>(StatusCode::kInvalidArgument),
            .message = "this command speaks protocol " + std::to_string(protocol) +
                       " and cannot show " + unknown +
                       ": use one of the version of Fanfold that the master has",
            .job = {}};
  }

  const PeerVersions& versions_;
  std::vector<Item> items_;
  std::uint64_t withheld_ = 0;
};

}  // namespace fanfold::master
