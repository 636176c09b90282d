// Takes the plugins and side files that clients upload, and hands them to workers that do not find
// them at their path.
//
// Everything here is bounded: by the store what is kept and what is on its way, and what workers
// want is one part each.  A turn sends some of them, after everything else it has to say, and no
// more than so many are on their way to all workers together, as far as can be told.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "master/blobs/blob_store.hpp"
#include "master/service/master_state.hpp"
#include "master/service/quotas.hpp"
#include "master/service/side_work.hpp"

namespace fanfold::master {

/// Parts that one turn sends: 4 MiB.
inline constexpr std::size_t kBlobPartsPerTurn = 16;
/// That no worker is known to have: 64 MiB.
inline constexpr std::size_t kBlobPartsOut = 256;

class BlobDesk {
 public:
  struct Doors {
    BlobStore* store = nullptr;  // Null: this master keeps no files.
    SideWork& storing;           // Its results come back through done().
    /// Why a key may not have so much more.
    std::function<Status(const security::KeyHolder& holder, const JobSize& more)> check_size;
  };
  /// Of `storing`.
  static constexpr std::size_t kSideWorkMost = 64;

  BlobDesk(MasterState& state, Doors doors) : state_(state), doors_(std::move(doors)) {}

  void take(const net::PeerId& peer, const proto::PutBlob& message);
  /// Of a worker that is known.
  void want(const net::PeerId& peer, const proto::GetBlob& message);
  void done(const BlobDone& done);

  /// Sends of what workers want as much as a turn may.
  void end_turn();
  /// More of it could be sent at once.
  bool has_more() const { return !wants_.empty() && sent_.size() < kBlobPartsOut; }
  /// When there will be room for more, at the latest.
  std::optional<Instant> next_due() const;

 private:
  struct Want {
    net::PeerId peer;
    proto::GetBlob question;
  };
  struct Sent {
    std::string sha256;
    std::uint64_t offset = 0;
    Instant when;
  };
  struct Waiting {
    net::PeerId peer;
    net::Sender sender;
    std::uint64_t offset = 0;  // As it asked.
  };

  void answer(const net::PeerId& peer, proto::BlobReply reply, const Status& status = {});
  Status check(const proto::PutBlob& message) const;
  Status begin(const proto::PutBlob& message);
  Status take_bytes(const proto::PutBlob& message);
  void wait(const net::PeerId& peer, const proto::PutBlob& message);
  void checked(const BlobDone& done, bool was_here);
  void note_spoilt(const std::string& sha256, const Status& why);
  /// The digests that jobs which have not ended name.
  std::set<std::string> named() const;
  proto::BlobPart part_of(const proto::GetBlob& question);

  MasterState& state_;
  const Doors doors_;
  /// Who waits until an upload is durable: by owner and digest.
  std::map<std::pair<std::string, std::string>, std::vector<Waiting>> waiting_;
  std::map<WorkerId, Want> wants_;  // One of each worker.
  WorkerId served_;                 // Last.
  std::map<WorkerId, Sent> sent_;   // Which the worker is not known to have.
  /// Blobs that are looked at once more, and who waits for that.
  std::map<std::string, std::map<WorkerId, Want>> checking_;
  std::set<std::string> spoilt_;  // Those that were not what they should be, and went.
  std::map<std::string, Instant> verified_;
  std::uint64_t refused_ = 0;
};

}  // namespace fanfold::master
