// A client that submits one job, follows it to its end and repeats itself until it is answered.

#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cluster/jobs.hpp"
#include "sim/doors/network.hpp"

namespace fanfold::sim {

class ClientNode final : public Process {
 public:
  ClientNode(World& world, Network& network, std::uint32_t index, std::uint32_t clock_rate,
             const JobPlan& plan);

  void begin();
  /// What it said and nobody has heard is lost.
  void stop() {
    Process::die();
    transport_.reset();
  }
  void cancel();

  const JobPlan& plan() const { return plan_; }
  /// Given by the master, once it said so.
  JobId job() const { return job_; }
  bool cancel_asked() const { return cancel_asked_; }
  /// The job's end as this client knows it.
  const std::optional<proto::JobStatus>& end() const { return end_; }
  /// The master did not take the job, and why.
  const std::optional<std::string>& refusal() const { return refusal_; }
  bool finished() const { return end_ || refusal_; }
  /// Of what it had to feed: what the job has, as it was told, and what it never heard of.
  const std::set<std::uint64_t>& acknowledged() const { return acknowledged_; }
  const std::set<std::uint64_t>& uncertain() const { return uncertain_; }
  /// The master did not take a batch for good, and why.
  const std::optional<std::string>& feed_refusal() const { return feed_refusal_; }
  /// What the master said of its workers when all jobs had been over for a while.
  const std::vector<proto::WorkerStatus>& workers_at_rest() const { return workers_at_rest_; }
  void ask_for_workers();
  /// When something was last asked that has no answer yet; nullopt: nothing.
  std::optional<Instant> unanswered_since() const { return unanswered_since_; }

 protected:
  Duration run() override;

 private:
  void read(const std::string& frame);
  void ask();
  /// One that feeds the job, batch by batch.
  struct Feeder {
    const FeedPlan* plan = nullptr;
    std::size_t next = 0;      // Of its batches.
    std::uint64_t offset = 0;  // Bytes of those before.
    std::uint32_t sent = 0;    // How often the next one was.
  };
  static std::string bytes_of(const std::vector<std::uint64_t>& batch);
  void feed();
  void read(const proto::FeedReply& reply);
  bool all_fed() const;
  /// What is to be another way than the master said last.
  std::optional<proto::JobChange> change_to_ask_for() const;

  const JobPlan& plan_;
  std::unique_ptr<net::Transport> transport_;
  Instant submit_at_;
  Instant ask_at_;
  std::size_t refused_for_now_ = 0;
  JobId job_;
  Instant accepted_;           // When the client heard of it.
  proto::JobControl control_;  // As the master said.
  bool change_asked_ = false;  // Last time; then the status is next.
  std::uint64_t publishing_heard_ = 0;
  bool cancel_asked_ = false;
  bool cancel_wanted_ = false;
  std::optional<Instant> unanswered_since_;
  std::optional<proto::JobStatus> end_;
  std::optional<std::string> refusal_;
  std::vector<proto::WorkerStatus> workers_at_rest_;
  std::vector<Feeder> feeders_;
  bool closed_ = false;
  std::set<std::uint64_t> acknowledged_;
  std::set<std::uint64_t> uncertain_;
  std::optional<std::string> feed_refusal_;
};

}  // namespace fanfold::sim
