// Receives what clients ask and answers it, at once or when the answer is known.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "master/service/feed_desk.hpp"
#include "master/service/host_desk.hpp"
#include "master/service/master_state.hpp"
#include "master/service/quotas.hpp"
#include "master/service/refusals.hpp"
#include "master/service/side_work.hpp"

namespace fanfold::master {

class ClientDesk {
 public:
  /// `planning` runs make_plan(); its results come back through plan_finished().
  ClientDesk(MasterState& state, io::FileSystem& files, SideWork& planning, HostDesk& hosts)
      : state_(state),
        files_(files),
        planning_(planning),
        hosts_(hosts),
        feeds_(state,
               {files, planning, [this](const security::KeyHolder& holder, const JobSize& more) {
                  return refuse_for_size(holder, more);
                }}) {}

  void handle(const net::PeerId& peer, proto::Submit message);
  void handle(const net::PeerId& peer, proto::GetJob message);
  void handle(const net::PeerId& peer, proto::ListJobs message);
  void handle(const net::PeerId& peer, proto::CancelJob message);
  void handle(const net::PeerId& peer, const proto::ChangeJob& message);
  void handle(const net::PeerId& peer, proto::Feed message);
  void handle(const net::PeerId& peer, proto::GetLogs message);
  void handle(const net::PeerId& peer, proto::GetCluster message);
  void handle(const net::PeerId& peer, const proto::GetEvents& message);
  void handle(const net::PeerId& peer, const proto::GetOutput& message);
  void handle(const net::PeerId& peer, proto::ListInputs message);

  /// Has hosts asked for what of the inputs lies there, or the job planned.
  void look_on_hosts(HostInputsFound found);

  /// Hands the planned job to the scheduler, or tells its submitters why not.  When it was planned
  /// but may not start any more, the staging directory is returned for removal.
  [[nodiscard]] std::optional<std::string> plan_finished(PlanFinished result);

  /// Plans jobs whose inputs on hosts are known by now, and answers who asked for such.
  void plan_listed();

  void answer(const net::PeerId& peer, const Status& status, JobId job = {});

  /// kExhausted: a quota of the holder's allows no more beside the jobs that have not ended.
  Status refuse_for_size(const security::KeyHolder& holder, const JobSize& more) const;

  FeedDesk& feeds() { return feeds_; }

 private:
  /// Who waits to hear that a job is accepted.
  struct Submitters {
    std::vector<net::PeerId> peers;
    std::shared_ptr<const security::KeyHolder> holder;  // Of the first of them; null: no keys.
  };

  /// Who wants to know what lies on hosts, without a job.
  struct Inquiry {
    net::PeerId peer;
    std::vector<std::string> inputs;
  };

  void start_side_work(std::function<SideResult()> work);
  void plan(const JobRecord& record, HostListing hosts);
  void answer_inquiry(HostDesk::Finished finished);
  void tell_listed(const net::PeerId& peer, proto::InputsListed reply, const Status& status);
  Status refuse_submission(const proto::JobSpec& spec);
  /// Of the sender, when a quota says so.
  Status refuse_for_quota();
  void refuse_unknown(const net::PeerId& peer, JobId job);
  /// Null: there is none, or it is somebody else's, and the peer has been told.
  const JobRecord* find_own(const net::PeerId& peer, JobId job, const char* what,
                            std::uint64_t state_id = 0);
  Result<EventRecorder::Part> read_part(const proto::GetEvents& message);

  MasterState& state_;
  io::FileSystem& files_;
  SideWork& planning_;
  HostDesk& hosts_;
  std::map<JobId, Submitters> submitters_;  // Of jobs being planned.
  std::map<JobId, Inquiry> inquiries_;      // By numbers of their own.
  std::uint64_t inquiries_made_ = 0;
  Refusals refusals_;
  Quotas quotas_;
  FeedDesk feeds_;
};

}  // namespace fanfold::master
