// Submissions on their way to be jobs: what lies on hosts is found, then they are planned.

#include <algorithm>
#include <memory>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/inputs/host_input.hpp"
#include "master/service/chores.hpp"
#include "master/service/client_desk.hpp"
#include "master/service/completion.hpp"
#include "master/service/submission.hpp"

namespace fanfold::master {
namespace {

/// That are not answered yet.
constexpr std::size_t kInquiries = 16;
/// No job has such a number.
constexpr std::uint64_t kInquiryBit = std::uint64_t{1} << 39;
/// As in lists and logs.
constexpr std::size_t kReplyBytes = limits::kControlFrameBytes / 2;

}  // namespace

void ClientDesk::handle(const net::PeerId& peer, proto::Submit message) {
  // A client that did not hear the answer asks again; it must not get a second job.
  if (!message.spec.client_id.empty()) {
    if (const JobRecord* known = state_.jobs.find_client(message.spec.client_id)) {
      if (known->phase() == JobPhase::kPlanning) {
        submitters_[known->job()].peers.push_back(peer);
      } else {
        answer(peer, {}, known->job());
      }
      return;
    }
    if (const Status* why = refusals_.find(message.spec.client_id)) return answer(peer, *why);
  }
  // Proved, where somebody asked for a proof.
  if (state_.sender.holder) message.spec.submitted_by = state_.key_name();
  if (const Status refused = refuse_submission(message.spec); !refused.ok()) {
    state_.measures.job_refused();
    state_.log.info("job.refused",
                    {{"name", message.spec.job_name}, {"reason", refused.message()}});
    refusals_.add(message.spec.client_id, refused);
    answer(peer, refused);
    return;
  }
  const JobRecord& record =
      state_.jobs.add(std::move(message.spec), state_.settings.unique, state_.now);
  submitters_[record.job()] = Submitters{.peers = {peer}, .holder = state_.sender.holder};
  state_.audit.submitted(state_.sender, record.job(), record.spec());
  if (!names_inputs_in_files(record.spec())) {
    return look_on_hosts({record.job(), find_host_inputs(files_, record.spec())});
  }
  start_side_work([&files = files_, job = record.job(), spec = record.spec()]() -> SideResult {
    return HostInputsFound{job, find_host_inputs(files, spec)};
  });
}

void ClientDesk::start_side_work(std::function<SideResult()> work) {
  const bool started = planning_.start(std::move(work));
  // Not more work than unfinished jobs, whose number was checked.
  FANFOLD_CHECK(started);
}

void ClientDesk::look_on_hosts(HostInputsFound found) {
  const JobRecord& record = *state_.jobs.find(found.job);
  Status status = found.inputs.status();
  if (status.ok() && found.inputs->empty()) return plan(record, {});
  if (status.ok()) status = check_reads_hosts(record.spec());
  if (status.ok()) return hosts_.begin(found.job, *found.inputs, look_above(record.spec()));
  // Nothing was written for it.
  static_cast<void>(plan_finished({found.job, std::move(status)}));
}

void ClientDesk::handle(const net::PeerId& peer, proto::ListInputs message) {
  const auto again = std::find_if(inquiries_.begin(), inquiries_.end(), [&](const auto& one) {
    return one.second.peer == peer && one.second.inputs == message.inputs;
  });
  if (again != inquiries_.end()) return;
  // An answer repeats the question.
  if (const Status refused = HostDesk::check_size(message.inputs); !refused.ok()) {
    return answer(peer, refused);
  }
  proto::InputsListed reply;
  reply.inputs = message.inputs;
  Status refused;
  if (inquiries_.size() == kInquiries) {
    refused = Status(StatusCode::kExhausted, "too many ask what lies on hosts; ask again");
  }
  for (const std::string& input : message.inputs) {
    if (refused.ok()) refused = inputs::check_host_input(input);
  }
  if (!refused.ok() || message.inputs.empty()) return tell_listed(peer, std::move(reply), refused);
  const JobId number{kInquiryBit | ++inquiries_made_};
  hosts_.begin(number, message.inputs, message.look_above);
  inquiries_.emplace(number, Inquiry{peer, std::move(message.inputs)});
}

void ClientDesk::tell_listed(const net::PeerId& peer, proto::InputsListed reply,
                             const Status& status) {
  reply.code = static_cast<std::uint8_t>(status.code());
  reply.message = status.message();
  if (proto::encode(reply).size() <= kReplyBytes) return state_.outbox.add(peer, reply);
  if (!status.ok()) return answer(peer, status);
  answer(peer, {StatusCode::kExhausted, "these inputs mean " + std::to_string(reply.files.size()) +
                                            " files, more than an answer names: narrow them"});
}

void ClientDesk::answer_inquiry(HostDesk::Finished finished) {
  const Inquiry inquiry = std::move(inquiries_.extract(finished.job).mapped());
  proto::InputsListed reply;
  reply.inputs = inquiry.inputs;
  if (!finished.listing.ok()) {
    return tell_listed(inquiry.peer, std::move(reply), finished.listing.status());
  }
  reply.notes = std::move(finished.listing->notes);
  for (std::uint32_t i = 0; i < inquiry.inputs.size(); ++i) {
    for (const InputFile& file : finished.listing->files[inquiry.inputs[i]]) {
      reply.files.push_back({i, file.path, file.size, file.compression, file.modified_ns});
    }
  }
  tell_listed(inquiry.peer, std::move(reply), {});
}

void ClientDesk::plan(const JobRecord& record, HostListing hosts) {
  PlanLimits plan_limits;
  const std::uint32_t slots = state_.workers.slots();
  plan_limits.slots = slots == 0 ? state_.settings.slots_expected : slots;
  if (record.spec().memory_bytes != 0) plan_limits.memory_bytes = record.spec().memory_bytes;
  // By copies of the function, of which one will be left.
  auto shared = std::make_shared<const HostListing>(std::move(hosts));
  start_side_work([&files = files_, job = record.job(), spec = record.spec(),
                   staging = record.staging(), plan_limits,
                   hosts = std::move(shared)]() -> SideResult {
    return plan_job(files, job, spec, staging, {plan_limits, hosts.get()});
  });
}

void ClientDesk::plan_listed() {
  for (HostDesk::Finished& finished : hosts_.advance()) {
    if (inquiries_.contains(finished.job)) {
      answer_inquiry(std::move(finished));
    } else if (finished.listing.ok()) {
      plan(*state_.jobs.find(finished.job), *std::move(finished.listing));
    } else {
      // Nothing was written for it.
      static_cast<void>(plan_finished({finished.job, finished.listing.status()}));
    }
  }
}

std::optional<std::string> ClientDesk::plan_finished(PlanFinished result) {
  JobRecord* record = state_.jobs.find(result.job);
  FANFOLD_CHECK(record != nullptr && record->phase() == JobPhase::kPlanning);
  const Submitters submitters = std::move(submitters_.extract(result.job).mapped());
  Status outcome = result.plan.status();
  std::optional<std::string> unused_staging;
  if (outcome.ok() && state_.stopping) {
    unused_staging = record->staging();
    outcome = Status(StatusCode::kUnavailable, "the cluster was stopped");
  }
  if (outcome.ok()) {
    outcome = check_completion(record->spec(), result.plan->splits.size(),
                               state_.now - record->submitted());
    if (outcome.ok() && submitters.holder) {
      const JobSize coming = feeds_.under_way(submitters.holder->name);
      outcome = refuse_for_size(
          *submitters.holder, {result.plan->splits.size() + result.plan->partitions + coming.tasks,
                               result.plan->input_bytes + coming.bytes});
    }
    if (!outcome.ok()) unused_staging = record->staging();
  }
  if (!outcome.ok()) {
    state_.measures.job_refused();
    state_.log.info("job.refused",
                    {{"name", record->spec().job_name}, {"reason", outcome.message()}});
    refusals_.add(record->spec().client_id, outcome);
    state_.jobs.forget(result.job);
    for (const net::PeerId& peer : submitters.peers) answer(peer, outcome);
    return unused_staging;
  }
  const std::uint64_t bytes = result.plan->input_bytes;
  JobSubmitted submitted =
      record->accept_plan(*std::move(result.plan), state_.settings.unix_us_at_origin);
  state_.log.info("job.accepted", {{"job", result.job.value},
                                   {"name", record->spec().job_name},
                                   {"user", record->spec().submitted_by},
                                   {"splits", submitted.split_bytes.size()},
                                   {"partitions", submitted.partitions},
                                   {"bytes", bytes},
                                   {"output", record->spec().output},
                                   {"traceparent", record->spec().traceparent}});
  state_.events.push_back(std::move(submitted));
  for (const net::PeerId& peer : submitters.peers) answer(peer, {}, result.job);
  return std::nullopt;
}

}  // namespace fanfold::master
