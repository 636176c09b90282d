#include "master/service/older_workers.hpp"

#include <bit>
#include <string>

#include "common/core/limits.hpp"
#include "common/proto/known.hpp"
#include "master/service/worker_desk.hpp"

namespace fanfold::master {

Status check_workers_know(const WorkerDirectory& workers, const proto::JobSpec& spec,
                          const WhatIsUnknown& unknown_to) {
  const KnownWorker* older = workers.older();
  if (older == nullptr) return {};
  const std::uint32_t protocol = older->hello.protocol;
  const std::string unknown = unknown_to(protocol, spec);
  if (unknown.empty()) return {};
  return {StatusCode::kUnavailable,
          "worker " + older->hello.name + " speaks protocol " + std::to_string(protocol) +
              " and does not know " + unknown +
              ": stop it, or start it again with the version of Fanfold that the master has"};
}

Status check_knows_jobs(std::uint32_t protocol, JobRecords& jobs, const WhatIsUnknown& unknown_to) {
  if (protocol == proto::kProtocolVersion) return {};
  for (const JobPhase phase : {JobPhase::kPlanning, JobPhase::kActive}) {
    for (const JobId job : jobs.list(phase)) {
      const JobRecord& record = *jobs.find(job);
      std::string unknown = unknown_to(protocol, record.spec());
      // They are only made while no older worker is there.
      if (unknown.empty() && record.shares().tasks() > 0) unknown = proto::kSharing;
      if (unknown.empty()) continue;
      return {StatusCode::kUnavailable,
              "job " + std::to_string(job.value) + " needs " + unknown +
                  ", which a worker of protocol " + std::to_string(protocol) +
                  " does not know: start it with the version of Fanfold that the master has, or "
                  "again when that job has ended"};
    }
  }
  return {};
}

bool WorkerDesk::may_join(const net::PeerId& peer, const proto::Hello& message) {
  Status checked = check_hello(message);
  if (checked.ok() && state_.workers.all().size() >= limits::kWorkers) {
    checked = Status(StatusCode::kExhausted,
                     "worker refused: there are " + std::to_string(limits::kWorkers) + " already");
  }
  if (!checked.ok()) {
    state_.measures.refused(Refusal::kWorker);
    state_.log.warn("worker.refused", {{"name", message.name}, {"reason", checked.message()}});
    state_.outbox.add(peer, proto::Goodbye{});
    return false;
  }
  if (const Status older = check_knows_jobs(message.protocol, state_.jobs); !older.ok()) {
    state_.measures.refused(Refusal::kWorker);
    // They say it again each second, and there may be many.
    if (std::has_single_bit(++older_refused_)) {
      state_.log.warn("worker.refused", {{"name", message.name}, {"reason", older.message()}});
    }
    state_.outbox.add(peer, proto::Answer{.code = static_cast<std::uint8_t>(older.code()),
                                          .message = older.message(),
                                          .job = {}});
    return false;
  }
  return true;
}

}  // namespace fanfold::master
