#include "master/service/older_workers.hpp"

#include <string>

#include "common/proto/known.hpp"

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

}  // namespace fanfold::master
