// Talking to peers of the version before: N and N-1 work together, others are refused
// (docs/protocol.md, docs/decisions/0011-the-version-before.md).
//
// The newer side adapts.  It says everything as the older one knows it, and understands the same;
// what the older one would have to do and does not know of is refused before, never left out.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::proto {

constexpr bool is_spoken(std::uint32_t protocol) {
  return protocol == kProtocolVersion || protocol == kProtocolBefore;
}

struct Encoded {
  std::string frame;
  /// What the peer would have to know and does not, in words for people.  The frame is not for it.
  std::string unknown;
};

/// As peers of `protocol`, which is spoken here, know the message.  One that names its version
/// names that one.  For all messages.
template <class Message>
Encoded encode_for(const Message& message, std::uint32_t protocol);

/// What of this job workers and masters of `protocol` do not know, in words for people; empty: they
/// can do all of it.
std::string unknown_to(std::uint32_t protocol, const JobSpec& spec);

/// Why a peer is refused that speaks `protocol`.  Its words are part of the protocol: newer peers
/// read the numbers in them.
Status other_protocol(std::uint32_t protocol);

/// What other_protocol() of any version has said.
struct ProtocolRefusal {
  std::uint32_t refused = 0;
  std::uint32_t spoken = 0;  // The newest that the other side speaks.
};
std::optional<ProtocolRefusal> read_refusal(std::string_view message);

/// Which version to speak with a peer, from what it has refused.
class SpokenVersion {
 public:
  std::uint32_t number() const { return number_; }

  enum class Heard : std::uint8_t {
    kNothing,  // It is no refusal of a version.
    kStale,    // Of what is not spoken any more.
    kChanged,  // From now on another one is spoken: say it again.
    kRefused,  // The peer speaks none that is spoken here.
  };
  Heard hear(const Answer& answer);
  /// The peer may have been replaced by a newer one.
  void reset() { number_ = kProtocolVersion; }

 private:
  std::uint32_t number_ = kProtocolVersion;
};

}  // namespace fanfold::proto
