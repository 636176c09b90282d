// What this host has of the partitions that it is the home of, before anybody reduces them: which
// map outputs the master has told of, which of their segments are here, and what is brought next.
// A cache: whoever does not find a segment here fetches it, as ever.
//
// Little is brought at a time, and nothing more where the disk has little room.  What lies on this
// host is never brought, nor is anything twice from a worker that could not give something.  What
// comes together is one file: to make files and to remove them costs more than to fetch what is in
// them.
//
// One thread, the one that calls the fetcher.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/types.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::worker {

/// Stored bytes and segments that homes brought.
struct EarlyFigures {
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_held = 0;     // Now.
  std::uint64_t segments_left = 0;  // Too large, or there was no room.
  std::uint64_t failures = 0;       // Of disks.
};

class Homes {
 public:
  struct Place {
    JobId job;
    std::uint32_t partition = 0;
    auto operator<=>(const Place&) const = default;
  };
  /// As the master has told it.
  struct Told {
    JobId job;
    std::vector<std::uint32_t> partitions;
    bool over_network = false;            // Also what lies on this host.
    std::uint64_t segment_bytes_max = 0;  // 0: any.
    std::shared_ptr<const proto::OutputList> list;
  };
  /// What is borrowed outlives it.  `scratch` is the worker's, with a directory for each job.
  Homes(io::FileSystem& files, Fetcher& fetcher, std::string scratch, std::string host_id)
      : files_(files),
        fetcher_(fetcher),
        scratch_(std::move(scratch)),
        host_id_(std::move(host_id)) {}

  void tell(const Told& told);
  /// Brings more, if there is more to be brought and room for it.
  void go_on();
  /// There may be room again.
  void look_again() { at_rest_ = false; }
  /// go_on() would do nothing.
  bool at_rest() const { return at_rest_; }

  /// Whether this request of the fetcher was made here: then its outcomes belong to note().
  static bool is_early(AttemptId request) { return (request.value & kEarlyBit) != 0; }
  struct News {
    Place place;
    std::vector<AttemptId> lost;  // Their outputs were on their way, and cannot be had.
    std::string why_lost;
    bool ended = false;  // Nothing of the partition is on its way any more.
  };
  std::optional<News> note(FetchOutcome outcome);

  /// Attempts fetch what is neither here nor on its way: no more of it is brought.
  void claim(const Place& place);
  /// None of them reads it any more.
  void unclaim(const Place& place);
  enum class Where : std::uint8_t { kElsewhere, kComing, kHere, kEmpty };
  /// Of the output of this map attempt; `*segment` is set when it is here.
  Where look(const Place& place, AttemptId attempt, LocalSegment* segment) const;

  /// It is here and cannot be read.
  void forget(const Place& place, AttemptId attempt);
  /// Nobody reads it any more.
  void drop(const Place& place);
  /// The same, as soon as nobody has claimed it.
  void release(const Place& place);
  /// Its files go with the directory of the job.
  void drop(JobId job);
  /// Somebody found the disk full: drops what no attempt has claimed.
  void make_room();

  const EarlyFigures& figures() const { return figures_; }

 private:
  static constexpr std::uint64_t kEarlyBit = std::uint64_t{1} << 63;  // No master has this epoch.

  struct Wanted {
    std::uint32_t split = 0;
    WorkerId holder;
  };
  struct Partition {
    bool claimed = false;
    bool released = false;
    bool asking = false;  // A request for it is under way.
    std::map<AttemptId, Wanted> waiting;
    std::set<AttemptId> coming;
    std::map<AttemptId, LocalSegment> here;  // Without a path: it is empty.
    std::set<AttemptId> left;                // Not to be asked for again.
    std::vector<std::string> files;

    std::size_t segments() const {
      return waiting.size() + coming.size() + here.size() + left.size();
    }
  };
  struct OfJob {
    std::uint64_t segment_bytes_max = 0;
    std::map<WorkerId, proto::Holder> holders;
    std::set<WorkerId> silent;  // Could not give something.
    bool failed = false;        // The disk did: nothing more is brought.
  };
  /// One request of the fetcher.
  struct Batch {
    Place place;
    std::vector<proto::MapOutput> outputs;
    std::vector<WorkerId> holders;  // Of each.
    std::set<AttemptId> lost;
    std::string file;
    std::uint64_t bytes_max = 0;
    bool dropped = false;
  };

  std::string directory(JobId job) const;
  std::size_t segments() const;
  std::size_t segments(JobId job) const;
  /// For one more request; 0: so little that it is better to wait.
  std::uint64_t room() const;
  /// The next partition, in turn, of which something waits; null: there is none.
  std::map<Place, Partition>::iterator next_place();
  void begin(const Place& place, Partition& partition, std::uint64_t bytes_max);
  void forget(std::map<Place, Partition>::iterator known);
  void take(const Batch& batch, const FetchOutcome& outcome, Partition& partition);
  void note_failed(const Batch& batch, proto::FailureKind kind);

  io::FileSystem& files_;
  Fetcher& fetcher_;
  const std::string scratch_;
  const std::string host_id_;
  std::map<JobId, OfJob> jobs_;
  std::map<Place, Partition> partitions_;
  std::map<AttemptId, Batch> batches_;
  Place turn_;               // The one that was served last.
  std::uint64_t begun_ = 0;  // Batches.
  bool at_rest_ = false;     // Nothing could be begun, and nothing has changed since.
  EarlyFigures figures_;
};

}  // namespace fanfold::worker
