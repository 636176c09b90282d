// Takes more input for jobs that are open for it.  What is fed becomes a file beside the staging
// directory of the job and further splits of it; whoever fed it is told so when both are durable.
//
// Everything here is bounded: the batches under way, those of one job and of one sender among them,
// and what a job may have waiting for workers, with what is under way counted in.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "master/service/master_state.hpp"
#include "master/service/quotas.hpp"
#include "master/service/side_work.hpp"

namespace fanfold::master {

/// Batches that are being written at a time: of all jobs, of one, of one sender.
inline constexpr std::size_t kFeedsUnderWay = 64;
inline constexpr std::size_t kFeedsOfJob = 32;
inline constexpr std::size_t kFeedsOfSender = 8;
/// So much of a job may wait for workers before its producers have to.
inline constexpr std::uint64_t kTasksWaiting = 10'000;
inline constexpr std::uint64_t kBytesWaiting = 256u << 20;

class FeedDesk {
 public:
  /// Why a key may not have so much more.
  using CheckSize = std::function<Status(const security::KeyHolder& holder, const JobSize& more)>;
  struct Doors {
    io::FileSystem& files;
    SideWork& planning;  // Its results come back through written().
    CheckSize check_size;
  };
  /// Of `planning`, so much is this desk's.
  static constexpr std::size_t kSideWorkMost = 2 * kFeedsUnderWay;
  FeedDesk(MasterState& state, Doors doors) : state_(state), doors_(std::move(doors)) {}

  /// The sender may feed the job.
  void take(const net::PeerId& peer, const JobRecord& record, proto::Feed message);
  void written(FeedWritten result);

  /// The scheduler has taken what was offered first of those of the job that it has not answered:
  /// what is stored beside the fact.  To be called before the record has it.
  proto::StoredFeed taken(const InputFed& fact, const JobRecord& record);
  /// After the scheduler's turn: what it has not taken came too late.
  void end_turn();

  /// Somebody writes a file for the job.
  bool writes_for(JobId job) const;
  /// What a key has under way, of all jobs.
  JobSize under_way(const std::string& key) const;
  void forget(JobId job);

 private:
  using Key = std::pair<JobId, std::string>;  // Job and feeder.
  struct Batch {
    std::vector<net::PeerId> peers;  // Who waits for the answer, whose it is first.
    std::shared_ptr<const security::KeyHolder> holder;
    proto::FeedReply reply;  // Without the outcome.
    std::uint64_t digest = 0;
    std::string path;  // Empty: it only closes.
    std::vector<proto::Split> splits;
  };
  struct Load {
    std::size_t batches = 0;
    JobSize size;
  };
  static Key key_of(const Batch& batch) { return {batch.reply.job, batch.reply.feeder}; }

  void close(const net::PeerId& peer, const JobRecord& record, const proto::FeedReply& reply);
  void write(const net::PeerId& peer, const JobRecord& record, proto::Feed message,
             const proto::FeedReply& reply);
  Batch* find_under_way(const Key& key);
  /// Whether a batch of the feeder is under way; whoever sent that once more waits as well.
  bool join(const net::PeerId& peer, const proto::Feed& message, const proto::FeedReply& reply);
  /// Why the job takes nothing of anybody.
  Status refuse_job(const JobRecord& record, JobId job) const;
  Status refuse_for_load(const net::PeerId& peer, const JobRecord& record, JobId job,
                         const JobSize& more) const;
  Load load_of(const std::function<bool(const Batch&)>& counts) const;
  void offer(Batch batch);
  /// A file that is no job's.
  void drop(JobId job, const std::string& path);
  void answer(const net::PeerId& peer, proto::FeedReply reply, const Status& status);
  void answer_taken(const Batch& batch);

  MasterState& state_;
  const Doors doors_;
  std::uint64_t files_ = 0;
  std::size_t dropping_ = 0;  // Files that are being removed.
  std::map<Key, Batch> writing_;
  std::vector<Batch> offered_;                       // In this turn, in order.
  std::set<std::pair<JobId, std::string>> audited_;  // Keys that have fed a job.
};

/// Where a batch is cut: a split begins with a line, and has about `spec.split_bytes`.
std::vector<proto::Split> cut_batch(const proto::JobSpec& spec, const std::string& path,
                                    std::string_view bytes);

/// Runs in another thread.  What it could not write as a whole it removes.
FeedWritten write_batch(io::FileSystem& files, const std::string& path, const proto::Feed& message);

}  // namespace fanfold::master
