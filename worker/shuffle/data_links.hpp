// Connections to data servers, and what each was asked and has not answered.  A server answers one
// connection in order, so an answer that overtakes others says that those were lost: they are asked
// again, as is everything when a server is quiet for a while.  Knows nothing of what answers mean.
//
// One thread.  Moments are handed in.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/clock.hpp"
#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::worker {

/// One request of a reduce attempt for outputs; there may be several, one after the other.
struct FetchId {
  AttemptId attempt;
  std::uint32_t round = 0;
  auto operator<=>(const FetchId&) const = default;
};

/// Who asked, in the asker's own terms; comes back with the answer.
struct Asker {
  FetchId task;
  std::uint32_t stream = 0;
  std::uint32_t output = 0;
};

struct Reply {
  Asker asker;
  std::uint32_t length = 0;  // That was asked for.
  proto::Chunk chunk;        // Its checksum is right, or its code says kCorruption.
};

class DataLinks {
 public:
  using Address = std::string;

  DataLinks(net::ConnectingTransport& transport, Duration patience)
      : transport_(transport), patience_(patience) {}

  /// Each open() needs its close(); the connection lives as long as somebody has it open.
  Status open(const Address& address);
  void close(const Address& address);

  /// `wanted.request` is chosen here.  The address is open.
  void ask(Instant now, const Address& address, const Asker& asker, proto::FetchSegment wanted);
  /// No reply to what `task` asked will come, or to what it asked for one stream or one output.
  void forget(const FetchId& task);
  void forget(const FetchId& task, std::uint32_t stream);
  void forget(const Asker& asker);

  /// nullopt: not an answer to anything that is still asked.
  std::optional<Reply> read(Instant now, const net::Frame& frame);
  struct Silence {
    std::vector<Address> given_up;  // Silent for longer than patience; they stay open.
    bool more_quiet = false;        // Than before.
  };
  /// Asks again where it is time, over a new connection where that did not help before.
  Silence look_after(Instant now);
  /// Something was asked of it again, and no answer has come yet.  The address is open.
  bool is_quiet(const Address& address) const;
  /// What has gone wrong since the beginning.
  struct Trouble {
    std::uint64_t asked_again = 0;
    std::uint64_t damaged = 0;   // Chunks.
    std::uint64_t given_up = 0;  // Servers.
  };
  const Trouble& trouble() const { return trouble_; }
  /// When look_after() has something to do.
  std::optional<Instant> next_deadline() const;

 private:
  struct Asked {
    Asker asker;
    proto::FetchSegment wanted;
    int damaged = 0;  // Answers with a wrong checksum.
  };
  struct Link {
    net::PeerId peer;
    std::uint32_t users = 0;
    std::deque<Asked> asked;  // In the order sent.
    Instant heard;            // Or first asked.
    Instant resend;           // When `asked` is sent again.
    Duration interval{};      // Between resends, doubled each time.

    static constexpr Duration kResendFirst = std::chrono::milliseconds(500);
    bool is_quiet() const { return interval > kResendFirst; }
  };

  template <class Predicate>
  void forget_if(const Predicate& is_forgotten);
  void send(const Link& link, const Asked& asked);
  void reconnect(const Address& address, Link& link);
  void note_heard(Instant now, Link& link);

  net::ConnectingTransport& transport_;
  const Duration patience_;
  std::map<Address, Link> links_;
  std::map<net::PeerId, Address> addresses_;
  std::uint64_t last_request_ = 0;
  Trouble trouble_;
};

}  // namespace fanfold::worker
