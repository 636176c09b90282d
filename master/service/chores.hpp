// The blocking work of the master, as functions that own everything they touch: they run in
// threads of SideWork.

#pragma once

#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/stored.hpp"
#include "master/events/event_recorder.hpp"
#include "master/service/side_work.hpp"

namespace fanfold::master {

struct PlanBasis {
  PlanLimits limits;
  const HostListing* hosts = nullptr;  // Null: nobody was asked what lies there.
};
/// Refuses an output that cannot be written, then plans.  A refused job leaves no staging.
PlanFinished plan_job(io::FileSystem& files, JobId job, const proto::JobSpec& spec,
                      const std::string& staging, const PlanBasis& basis);

PublishFinished publish_job(io::FileSystem& files, const PublishRequest& request);

/// The files of what an open job was fed.  Beside its staging directory and not in it: a job that
/// does not end well leaves them.
std::string fed_directory(const std::string& staging);

/// What is left of a job when nobody writes for it any more.
struct Remains {
  std::string staging;
  std::string fed;                     // Empty: stays as it is.
  std::vector<std::string> kept = {};  // Paths of files there that stay.
};
StagingRemoved remove_remains(io::FileSystem& files, JobId job, const Remains& remains);

/// Adds what its inputs look like; the file is there as a whole or not at all.
CapsuleWritten write_capsule(io::FileSystem& files, const EventRecorder::CapsulePlace& place,
                             proto::Capsule capsule);

}  // namespace fanfold::master
