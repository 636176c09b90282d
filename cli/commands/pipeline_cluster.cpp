#include "cli/commands/pipeline_cluster.hpp"

#include <unistd.h>

#include <utility>

#include "cli/client/host_listing.hpp"
#include "cli/client/submission.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/session.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

// Cancelling kills executors and removes files; a master that needs longer than this is stuck.
constexpr Duration kCancelPatience = 10s;
// What is over sooner is not worth a picture that stays.
constexpr std::uint64_t kMomentMs = 1000;

}  // namespace

PipelineCluster::PipelineCluster(const Environment& environment, MasterPlace master,
                                 ClusterShape shape, Interrupts& interrupts)
    : environment_(environment),
      master_(std::move(master)),
      shape_(shape),
      interrupts_(interrupts) {}

JobDesk PipelineCluster::desk() {
  JobDesk desk;
  desk.submit = [this](const proto::JobSpec& spec) { return submit(spec); };
  desk.wait_for_one = [this](const std::set<JobId>& jobs) { return wait_for_one(jobs); };
  desk.interrupted = [this] { return interrupted(); };
  desk.list_on_hosts = [this](const std::vector<std::string>& inputs) {
    return list_on_hosts(inputs);
  };
  desk.make_client_id = make_client_id;
  desk.jobs_outlive = !master_.address.empty();
  return desk;
}

Status PipelineCluster::start() {
  if (client_ != nullptr) return {};
  MasterPlace place = master_;
  if (place.address.empty()) {
    directory_.emplace();
    FANFOLD_RETURN_IF_ERROR(directory_->create(environment_.temporary_directory));
    cluster_.emplace(environment_.program_directory, directory_->path(), shape_,
                     directory_->guardian());
    FANFOLD_RETURN_IF_ERROR(cluster_->start());
    FANFOLD_RETURN_IF_ERROR(cluster_->wait_until_ready(interrupts_));
    place = {cluster_->address(), ""};
  }
  FANFOLD_ASSIGN_OR_RETURN(client_,
                           connect_client(place, steady_clock(), {interrupts_.descriptor()}));
  return {};
}

Attention PipelineCluster::attend() {
  interrupts_.drain();
  if (cluster_) check_failed_ = cluster_->check_children();
  if (!check_failed_.ok()) return Attention::kAbandon;
  const int interrupts = interrupts_.count();
  if (interrupts == 0) return Attention::kNone;
  if (interrupts > 1) return Attention::kAbandon;
  const Instant now = steady_clock().now();
  if (!cancelled_at_) cancelled_at_ = now;
  return now - *cancelled_at_ > kCancelPatience ? Attention::kAbandon : Attention::kCancel;
}

bool PipelineCluster::interrupted() {
  interrupts_.drain();
  return interrupts_.count() > 0;
}

void PipelineCluster::show_progress() {
  draws_ = choose_display(STDERR_FILENO, false, environment_.terminal) == DisplayKind::kBars;
}

void PipelineCluster::draw(const proto::JobStatus& status) {
  if (!draws_ || (status.elapsed_ms < kMomentMs && drawn_ != status.job)) return;
  if (drawn_ != status.job) {
    display_.emplace(STDERR_FILENO, DisplayKind::kBars, !environment_.no_colour);
    drawn_ = status.job;
  }
  display_->show(steady_clock().now(), status);
}

Result<JobId> PipelineCluster::submit(const proto::JobSpec& spec) {
  FANFOLD_RETURN_IF_ERROR(start());
  FollowHooks hooks;
  // Without the job's id it could not be cancelled; a private cluster ends anyway.
  hooks.on_wake = [this] {
    const Attention attention = attend();
    const bool ends =
        attention == Attention::kAbandon || (cluster_ && attention == Attention::kCancel);
    return ends ? Attention::kAbandon : Attention::kNone;
  };
  Result<JobId> job = submit_job(*client_, spec, hooks, [this](const std::string& what) {
    if (display_) display_->finish();
    print_error("fanfold: " + what + "\n");
  });
  if (!check_failed_.ok()) return check_failed_;
  return job;
}

Result<master::HostListing> PipelineCluster::list_on_hosts(const std::vector<std::string>& inputs) {
  FANFOLD_RETURN_IF_ERROR(start());
  FollowHooks hooks;
  hooks.on_wake = [this] { return attend(); };
  // What they hold is not looked into: nothing is planned here.
  auto listing = cli::list_on_hosts(*client_, inputs, UINT64_MAX, hooks);
  if (!check_failed_.ok()) return check_failed_;
  return listing;
}

Result<proto::JobStatus> PipelineCluster::wait_for_one(const std::set<JobId>& jobs) {
  FollowHooks hooks;
  hooks.on_wake = [this] { return attend(); };
  // One picture at a time: of the job that was begun first.
  hooks.on_status = [this, first = *jobs.begin()](const proto::JobStatus& status) {
    if (status.job == first) draw(status);
  };
  hooks.on_silence = [this] {
    if (display_) display_->finish();
    print_error("fanfold: the master at " + client_->address() +
                " does not answer; waiting up to 60 s for it to come back\n");
  };
  Result<proto::JobStatus> status = client_->follow_any(jobs, hooks);
  if (display_) display_->finish();
  if (!status.ok() && !check_failed_.ok()) return check_failed_;
  return status;
}

std::vector<proto::LogEntry> PipelineCluster::attempts_of(const proto::JobStatus& status) {
  if (client_ == nullptr) return {};
  return attempts_at_cause(*client_, status);
}

void PipelineCluster::stop(bool in_order) {
  if (cluster_) {
    if (in_order && client_ != nullptr && check_failed_.ok()) {
      stop_in_order(*client_, interrupts_);
    }
    // A second interrupt means: at once.
    cluster_->stop(interrupts_.count() > 1);
  }
  client_.reset();
  cluster_.reset();
  directory_.reset();
}

}  // namespace fanfold::cli
