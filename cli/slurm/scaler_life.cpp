// The scaler's process: looks, decides through Scaler, and has Slurm do it.

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "cli/client/client.hpp"
#include "cli/cluster/keyed_master.hpp"
#include "cli/slurm/slurm_cluster.hpp"
#include "cli/slurm/slurm_commands.hpp"
#include "cli/slurm/worker_script.hpp"
#include "common/core/clock.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

constexpr int kLookEveryMs = 1000;
/// Submissions of one look: Slurm's controller has others to serve.
constexpr std::uint32_t kSubmitAtOnce = 32;
constexpr Duration kRestMost = 60s;
/// Until then it may be chance.
constexpr Duration kRestToTell = 8s;

class ScalerLife {
 public:
  ScalerLife(std::string program_directory, std::string directory, const SlurmRecord& record,
             Interrupts& interrupts, Log& log)
      : program_directory_(std::move(program_directory)),
        directory_(std::move(directory)),
        slurm_(scaler_directory(directory_), record.name),
        interrupts_(interrupts),
        log_(log) {}

  /// One look, and what comes of it.
  void turn(const SlurmRecord& record) {
    scaler_.set_limits(record.limits);
    const Result<Sight> sight = see();
    note("sight.failed", sight.status());
    if (!sight.ok()) return;
    const ScaleOrders orders = scaler_.look(steady_clock().now(), *sight);
    if (!orders.empty()) {
      log_.info("nodes.changed", {{"add", orders.add},
                                  {"release", orders.release.size()},
                                  {"forget", orders.forget.size()},
                                  {"tasks", sight->tasks_waiting},
                                  {"jobs", sight->jobs.size()},
                                  {"workers", sight->workers.size()}});
    }
    std::vector<std::uint64_t> told;
    note("release.failed", slurm_.release(orders.release, interrupts_, &told));
    scaler_.released(steady_clock().now(), told);
    note("cancel.failed", slurm_.cancel(orders.forget, interrupts_));
    add(record, std::min(orders.add, kSubmitAtOnce));
  }

 private:
  Result<Sight> see() {
    FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> master,
                             read_keyed_master(directory_));
    if (!master) return Status(StatusCode::kNotFound, "there is no master.json any more");
    address_ = master->address;
    FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                             connect_client({address_, owner_key(directory_)}, steady_clock(),
                                            {interrupts_.descriptor()}));
    FANFOLD_ASSIGN_OR_RETURN(const proto::JobList jobs,
                             client->ask<proto::JobList>(proto::ListJobs{}));
    FANFOLD_ASSIGN_OR_RETURN(const proto::ClusterReply cluster,
                             client->ask<proto::ClusterReply>(proto::GetCluster{}));
    Sight sight;
    // Last: whose worker is listed has a job that is listed, too.
    FANFOLD_ASSIGN_OR_RETURN(Queue queue, slurm_.list(interrupts_));
    sight.jobs = std::move(queue.jobs);
    sight.ended = std::move(queue.ended);
    sight.master = cluster.process;
    sight.tasks_waiting = tasks_waiting(jobs.jobs);
    sight.oldest_job = oldest_of(jobs.jobs);
    for (const proto::WorkerStatus& worker : cluster.workers) {
      const std::optional<std::uint64_t> job = job_of_worker(worker.name);
      if (!job) continue;
      sight.workers.push_back({*job, worker.busy, worker.draining});
      newest_worker_ = std::max(newest_worker_, *job);
    }
    return sight;
  }

  void add(const SlurmRecord& record, std::uint32_t count) {
    if (count == 0 || steady_clock().now() < next_submission_) return;
    const std::string script = worker_script({program_directory_, directory_, address_}, record);
    Status status;
    for (std::uint32_t i = 0; i < count && status.ok(); ++i) {
      const Result<std::uint64_t> job =
          slurm_.submit(sbatch_words(directory_, record), script, interrupts_);
      if (job.ok()) scaler_.submitted(steady_clock().now(), *job);
      status = job.status();
    }
    note("submit.failed", status);
    // Workers that end before they are welcomed will do so again: their logs say why.
    const bool fruitful = std::exchange(newest_at_submission_, newest_worker_) != newest_worker_;
    rest_ = status.ok() && fruitful ? Duration(0) : std::clamp<Duration>(rest_ * 2, 1s, kRestMost);
    next_submission_ = steady_clock().now() + rest_;
    if (rest_ < kRestToTell) return;
    log_.warn("workers.missing",
              {{"logs", worker_log_directory(directory_)}, {"next_submission_s", rest_ / 1s}});
  }

  /// The same trouble every second is one line.
  void note(const char* event, const Status& status) {
    std::string& last = troubles_[event];
    if (status.message() == last) return;
    last = status.message();
    if (!status.ok()) log_.warn(event, {{"reason", status.message()}});
  }

  const std::string program_directory_;
  const std::string directory_;
  const SlurmCommands slurm_;
  Interrupts& interrupts_;
  Log& log_;
  Scaler scaler_{ScaleLimits()};
  std::string address_;
  Duration rest_ = Duration(0);
  Instant next_submission_;
  std::uint64_t newest_worker_ = 0;  // Slurm job.
  std::uint64_t newest_at_submission_ = 0;
  std::map<std::string, std::string> troubles_;
};

}  // namespace

Status run_scaler(const std::string& program_directory, const std::string& directory,
                  Interrupts& interrupts, Log& log) {
  FANFOLD_ASSIGN_OR_RETURN(std::optional<SlurmRecord> record, read_slurm_record(directory));
  if (!record) {
    return Status(StatusCode::kNotFound, "no cluster of Slurm is up in " + directory + ".");
  }
  log.info("scaler.started", {{"directory", directory}, {"name", record->name}});
  ScalerLife life(program_directory, directory, *record, interrupts, log);
  while (interrupts.count() == 0) {
    life.turn(*record);
    pollfd wait = {interrupts.descriptor(), POLLIN, 0};
    ::poll(&wait, 1, kLookEveryMs);
    interrupts.drain();
    // How many nodes there may be, `cluster up` changes.
    FANFOLD_ASSIGN_OR_RETURN(record, read_slurm_record(directory));
    if (!record) break;
  }
  log.info("scaler.stopped", {});
  return {};
}

}  // namespace fanfold::cli
