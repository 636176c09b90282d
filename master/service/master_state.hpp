// What the parts of the service share.  One thread owns all of it.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/limits.hpp"
#include "common/core/time.hpp"
#include "common/log/log.hpp"
#include "common/proto/stored.hpp"
#include "common/security/live_keys.hpp"
#include "common/security/plugin_list.hpp"
#include "master/events/event_recorder.hpp"
#include "master/measures/measures.hpp"
#include "master/scheduler/scheduler.hpp"
#include "master/service/attempt_book.hpp"
#include "master/service/attempt_logs.hpp"
#include "master/service/audit.hpp"
#include "master/service/followers.hpp"
#include "master/service/job_records.hpp"
#include "master/service/outbox.hpp"
#include "master/service/output_questions.hpp"
#include "master/service/peer_versions.hpp"
#include "master/service/worker_directory.hpp"

namespace fanfold::master {

struct ServiceSettings {
  std::string address;         // As clients know it.
  std::string unique;          // Part of the names of staging directories.
  std::uint64_t epoch = 1;     // Higher than that of every earlier master on the same store.
  std::uint64_t state_id = 0;  // Of the store; 0: nobody is told of one.
  std::uint32_t process = 0;
  Duration heartbeat_interval = limits::kHeartbeatInterval;
  Duration worker_silence_max = limits::kWorkerSilence;
  Duration host_absence_max = limits::kHostAbsence;
  std::uint32_t slots_expected = 1;  // Until the first worker has come.
  std::size_t planning_threads = limits::kPlanningThreads;
  /// The wall clock, in microseconds since the Unix epoch, at the origin of the Instants.
  std::int64_t unix_us_at_origin = 0;
};

struct MasterState {
  MasterState(ServiceSettings service_settings, Log& service_log, Log* audit_log,
              security::LiveKeys* accepted_keys, const security::PluginList* allowed_plugins,
              EventSink* event_sink, bool measured)
      : settings(std::move(service_settings)),
        log(service_log),
        audit(audit_log),
        keys(accepted_keys),
        plugins(allowed_plugins),
        event_log(event_sink, log, settings.unix_us_at_origin),
        measures(measured),
        scheduler({.worker_silence_max = settings.worker_silence_max,
                   .epoch = settings.epoch,
                   .unix_us_at_origin = settings.unix_us_at_origin,
                   .host_absence_max = settings.host_absence_max}),
        workers(settings.epoch, settings.state_id) {}

  const ServiceSettings settings;
  Log& log;
  Audit audit;
  security::LiveKeys* const keys;             // Null: nobody is asked for one.
  const security::PluginList* const plugins;  // Null: any may run.
  /// Of the message that is being handled.
  net::Sender sender;
  std::uint32_t decoded_as = proto::kProtocolVersion;  // The version that it was read in.
  /// Of that sender; empty: none was asked for.
  std::string key_name() const { return sender.holder ? sender.holder->name : std::string(); }
  EventRecorder event_log;
  Measures measures;
  Instant now;      // Of the current turn.
  Instant started;  // Of the first.

  Scheduler scheduler;
  std::vector<Event> events;  // What happened, for the scheduler to be told in this turn.
  PeerVersions versions;
  Outbox outbox{versions};

  JobRecords jobs{limits::kJobsRemembered};
  WorkerDirectory workers;
  AttemptBook attempts;
  AttemptLogs logs{
      {.bytes_per_attempt = limits::kLogBytesKeptPerAttempt, .bytes_total = limits::kLogBytesKept}};
  Followers followers{limits::kFollowInterval};
  OutputQuestions output_questions{limits::kOutputQuestions};
  /// Of commit requests of this turn: the scheduler decides within it.
  std::map<AttemptId, proto::AttemptReport> reports;
  /// Of attempts that failed in this turn, until a side thread writes them.
  std::vector<proto::Capsule> capsules;
  bool capsules_under_way = false;  // At the end of the last turn.
  bool stopping = false;
};

/// Whoever waits for what the attempt wrote, which is over, gets it.
void answer_output_questions(MasterState* state, AttemptId attempt);

/// The job as a client may see it now: active or ended.
proto::JobStatus status_of(const MasterState& state, const JobRecord& record);

}  // namespace fanfold::master
