// What reduce attempts read: outputs that lie on this host are opened where they are, others are
// fetched first.  What cannot be had is named, and may be replaced; the rest is kept.  One thread.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "worker/agent/action.hpp"
#include "worker/agent/event.hpp"
#include "worker/service/scratch.hpp"
#include "worker/shuffle/fetcher.hpp"
#include "worker/shuffle/homes.hpp"

namespace fanfold::worker {

/// Equal where the same paths lead to the same files: one boot of one kernel, one mount namespace.
std::string own_host_id();

class Inputs {
 public:
  /// What is borrowed outlives the Inputs.
  Inputs(const std::string& host_id, const Scratch& scratch, io::FileSystem& files,
         Fetcher& fetcher)
      : host_id_(host_id),
        scratch_(scratch),
        fetcher_(fetcher),
        homes_(files, fetcher, scratch.directory(), host_id) {}

  /// One InputsReady follows, and before it an InputsMissing whenever something is lost, unless it
  /// is cancelled.
  void bring(const FetchInputs& wanted);
  /// Brings these instead; InputsReady follows when nothing is missing any more.
  void replace(const ReplaceInputs& replacement);
  /// The attempt could not read these after they were ready: they are to be replaced.
  void note_lost(AttemptId attempt, const std::vector<proto::MapOutput>& lost);
  /// The attempt is done with what it read.  Of that, what came over the network.
  proto::FetchedBytes finish(AttemptId attempt);
  /// Nobody reads them any more.
  void forget(AttemptId attempt);
  void forget(JobId job);

  std::vector<InputsMissing> take_missing() { return std::exchange(missing_, {}); }
  std::vector<InputsReady> take_ready() { return std::exchange(ready_, {}); }
  /// Hears what the fetcher has to say.
  void look();

  /// What attempts may read here later.  Brought when no attempt waits for anything.
  void bring_early(const BringEarly& action);
  void go_on_early();
  /// They are read elsewhere.
  void drop_early(const DropEarly& action);
  /// Somebody found the disk full, or wants nothing more.
  void make_room() { homes_.make_room(); }
  /// There may be room again.
  void look_again() { homes_.look_again(); }
  const EarlyFigures& early() const { return homes_.figures(); }
  bool has_news() const { return !ready_.empty() || !missing_.empty(); }

  /// In the order of splits; none for attempts that were not brought.
  SegmentList segments(AttemptId attempt) const;
  /// What is fetched for an attempt, in its directory: no file of its own has this name.
  static constexpr const char* kFetchedDirectory = "fetched";

 private:
  /// Of one attempt.
  struct Share {
    proto::TaskAssignment assignment;
    SegmentList all;                     // Null: `segments` has them.
    std::vector<LocalSegment> segments;  // Sorted when announced.
    std::set<std::uint32_t> awaited;     // Splits whose output is lost.
    // What this host is bringing already, as the home of the partition.
    std::shared_ptr<const proto::OutputList> coming_list;
    std::vector<proto::MapOutput> coming;
    std::set<AttemptId> early;   // Of `segments`: map attempts whose outputs were here.
    std::uint32_t rounds = 0;    // Of fetching, begun.
    std::uint32_t fetching = 0;  // Of them, under way.
    bool announced = false;      // Or failed.

    bool waits() const { return fetching > 0 || (!coming.empty() && !announced); }
  };

  /// What most reduces of a job read: all outputs of a list, which lie on this host.
  struct Common {
    std::weak_ptr<const proto::OutputList> list;
    SegmentList segments;
  };

  bool is_local(const Share& share, const proto::Holder& holder) const;
  LocalSegment local(JobId job, const proto::OutputList& list,
                     const proto::MapOutput& output) const;
  /// Null: some of it lies elsewhere.
  SegmentList common_segments(const Share& share,
                              const std::shared_ptr<const proto::OutputList>& list);
  void bring(Share& share, const std::shared_ptr<const proto::OutputList>& list,
             const std::vector<proto::MapOutput>& outputs);
  static Homes::Place place_of(const Share& share);
  bool is_last_of(const Homes::Place& place) const;
  /// What attempts waited for is here, or lost, or they fetch it themselves.
  void note_early(const Homes::News& news);
  void lose_coming(Share& share, const Homes::News& news);
  void note(FetchOutcome outcome);
  void fail(Share& share, proto::FailureReport failure);
  void announce_if_complete(Share& share);

  const std::string host_id_;
  const Scratch& scratch_;
  Fetcher& fetcher_;
  Homes homes_;
  std::uint32_t fetching_ = 0;  // Requests of attempts, under way, also of those that are gone.
  std::map<AttemptId, Share> shares_;
  std::map<JobId, Common> common_;
  std::vector<InputsMissing> missing_;
  std::vector<InputsReady> ready_;
};

}  // namespace fanfold::worker
