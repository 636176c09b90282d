#include "worker/service/worker_metrics.hpp"

#include "common/http/metric_text.hpp"
#include "worker/service/host_room.hpp"

namespace fanfold::worker {
namespace {

MetricLabel of_stage(Stage stage) { return {"stage", name_of(stage)}; }

void add_attempts(const WorkerFigures& figures, MetricText* text) {
  text->begin("worker_attempts_started_total", "Attempts that began to run here.",
              MetricKind::kCounter);
  for (const Stage stage : kAllStages) text->add(figures.stage(stage).started, {of_stage(stage)});
  text->begin("worker_attempts_running", "Attempts that run here now.", MetricKind::kGauge);
  for (const Stage stage : kAllStages) text->add(figures.stage(stage).running, {of_stage(stage)});
  text->begin("worker_attempts_finished_total",
              "Attempts that ran to their end here and asked to commit.", MetricKind::kCounter);
  for (const Stage stage : kAllStages) text->add(figures.stage(stage).finished, {of_stage(stage)});
  text->begin("worker_attempts_waiting", "Attempts held here that wait for a slot or their inputs.",
              MetricKind::kGauge)
      .add(figures.waiting);
  // All of them from the start: a counter that is born when it is needed has no rate.
  text->begin("worker_attempt_failures_total", "Attempts that failed here, by cause.",
              MetricKind::kCounter);
  using proto::FailureKind;
  for (const FailureKind kind :
       {FailureKind::kException, FailureKind::kSignal, FailureKind::kExit, FailureKind::kTimeout,
        FailureKind::kStalled, FailureKind::kOutOfMemory, FailureKind::kInput, FailureKind::kPlugin,
        FailureKind::kGivenBack, FailureKind::kFetch, FailureKind::kNoSpace, FailureKind::kIo,
        FailureKind::kSpawn, FailureKind::kCancelled}) {
    const auto found = figures.failures.find(kind);
    text->add(found == figures.failures.end() ? std::uint64_t{0} : found->second,
              {{"cause", proto::name_of(kind)}});
  }
  text->begin("worker_attempt_run_seconds_total", "Run time of attempts that finished here.",
              MetricKind::kCounter);
  for (const Stage stage : kAllStages) text->add(figures.stage(stage).seconds, {of_stage(stage)});
}

void add_flow(const WorkerFigures& figures, MetricText* text) {
  const auto flow = [&](const char* name, const char* help, auto in, auto out) {
    text->begin(name, help, MetricKind::kCounter);
    for (const Stage stage : kAllStages) {
      text->add(figures.stage(stage).*in, {of_stage(stage), {"direction", "in"}})
          .add(figures.stage(stage).*out, {of_stage(stage), {"direction", "out"}});
    }
  };
  using OfStage = WorkerFigures::OfStage;
  flow("worker_records_total", "Records that attempts which finished here read and wrote.",
       &OfStage::records_in, &OfStage::records_out);
  flow("worker_bytes_total", "Bytes that attempts which finished here read and wrote.",
       &OfStage::bytes_in, &OfStage::bytes_out);
  text->begin("worker_spills_total", "Sorted runs that attempts wrote for want of memory.",
              MetricKind::kCounter);
  for (const Stage stage : kAllStages) text->add(figures.stage(stage).spills, {of_stage(stage)});
  text->begin("worker_records_isolated_total",
              "Records that ended an executor and were passed over.", MetricKind::kCounter)
      .add(figures.records_isolated);
  text->begin("worker_inputs_lost_total", "Map outputs that could not be read from here.",
              MetricKind::kCounter)
      .add(figures.inputs_lost);
}

void add_wire(const WorkerFigures& figures, MetricText* text) {
  text->begin("worker_frames_damaged_total", "Messages of masters whose checksum was wrong.",
              MetricKind::kCounter)
      .add(figures.frames_damaged);
  text->begin("worker_frames_dropped_total", "Messages to masters that were dropped.",
              MetricKind::kCounter)
      .add(figures.frames_dropped);
  const WorkerFigures::Resends& resends = figures.resends;
  text->begin("worker_resends_total", "Messages to masters that were said again.",
              MetricKind::kCounter)
      .add(resends.hellos, {{"what", "hello"}})
      .add(resends.commits, {{"what", "commit"}})
      .add(resends.failures, {{"what", "failure"}})
      .add(resends.inputs_wanted, {{"what", "inputs"}});
  text->begin("worker_refusals_total", "Times that a master refused this worker.",
              MetricKind::kCounter)
      .add(figures.refusals);
}

void add_shuffle(const ShuffleFigures& figures, MetricText* text) {
  const auto counter = [text](const char* name, const char* help, std::uint64_t count) {
    text->begin(name, help, MetricKind::kCounter).add(count);
  };
  counter("worker_fetch_resends_total", "Parts of map outputs that were asked for again.",
          figures.segments_asked_again);
  counter("worker_fetch_chunks_damaged_total", "Parts of map outputs that arrived damaged.",
          figures.chunks_damaged);
  counter("worker_fetch_servers_given_up_total",
          "Times that a data server was silent for too long.", figures.servers_given_up);
  text->begin("worker_data_refusals_total", "What the data server of this worker refused.",
              MetricKind::kCounter)
      .add(figures.strangers_refused.load(), {{"what", "stranger"}})
      .add(figures.frames_revoked.load(), {{"what", "revoked"}});
  counter("worker_data_frames_damaged_total", "Messages to it whose checksum was wrong.",
          figures.frames_damaged);
  counter("worker_data_frames_dropped_total", "Its messages to fetchers that were dropped.",
          figures.frames_dropped);
}

void add_files(const BlobCache::Figures& files, MetricText* text) {
  text->begin("worker_files_total",
              "Plugins and side files that executors wanted from the master, by what came of it.",
              MetricKind::kCounter)
      .add(files.fetched, {{"what", "fetched"}})
      .add(files.reused, {{"what", "reused"}})
      .add(files.damaged, {{"what", "damaged"}})
      .add(files.refused, {{"what", "refused"}});
  text->begin("worker_files_bytes_total", "Bytes of them that came.", MetricKind::kCounter)
      .add(files.bytes);
}

void add_early(const EarlyFigures& early, MetricText* text) {
  text->begin("worker_early_segments_total",
              "Segments of map outputs that were to be brought before their reduces, by what came "
              "of it.",
              MetricKind::kCounter)
      .add(early.segments, {{"what", "brought"}})
      .add(early.segments_left, {{"what", "left"}});
  text->begin("worker_early_bytes_total", "Bytes of those that were brought.", MetricKind::kCounter)
      .add(early.bytes);
  text->begin("worker_early_held_bytes", "Bytes of them that are kept now.", MetricKind::kGauge)
      .add(early.bytes_held);
  text->begin("worker_early_failures_total", "Times that the disk did not take them.",
              MetricKind::kCounter)
      .add(early.failures);
}

/// A disk without room and one that is not there are two things; alerts look for either.
void add_room(const proto::HostRoom& room, MetricText* text) {
  const auto gauge = [text](const char* name, const char* help, std::uint64_t bytes) {
    text->begin(name, help, MetricKind::kGauge).add(bytes);
  };
  if (room.scratch_bytes != 0) {
    gauge("worker_scratch_free_bytes", "Free on the disk of the scratch directory.",
          room.scratch_bytes_free);
    gauge("worker_scratch_size_bytes", "Size of the disk of the scratch directory.",
          room.scratch_bytes);
  }
  if (room.memory_bytes == 0) return;
  gauge("worker_memory_free_bytes", "Memory of the host that is available without swapping.",
        room.memory_bytes_free);
  gauge("worker_memory_size_bytes", "Memory of the host.", room.memory_bytes);
}

}  // namespace

std::string worker_metrics(const WorkerTraits& traits, const WorkerFigures& figures) {
  MetricText text;
  text.begin("build_info", "1; the label says which version this is.", MetricKind::kGauge)
      .add(1.0, {{"version", FANFOLD_VERSION}});
  text.begin("worker_start_time_seconds", "When this worker was started, as Unix time.",
             MetricKind::kGauge)
      .add(traits.started_unix_seconds);
  text.begin("worker_own_slots", "Attempts that may run here at once.", MetricKind::kGauge)
      .add(std::uint64_t{traits.slots});
  text.begin("worker_executor_memory_bytes", "Budget of an executor when the job names none.",
             MetricKind::kGauge)
      .add(traits.memory_bytes);
  text.begin("worker_connected", "1 while a master knows this worker.", MetricKind::kGauge)
      .add(std::uint64_t{figures.connected});
  text.begin("worker_draining", "1 when it takes no new attempts.", MetricKind::kGauge)
      .add(std::uint64_t{figures.draining});
  text.begin("worker_welcomes_total", "Times that a master welcomed this worker.",
             MetricKind::kCounter)
      .add(figures.welcomes);
  add_wire(figures, &text);
  add_files(figures.files, &text);
  add_early(figures.early, &text);
  add_shuffle(*traits.shuffle, &text);
  add_attempts(figures, &text);
  add_flow(figures, &text);
  add_room(look_at_room(traits.scratch, traits.slots * traits.memory_bytes), &text);
  text.add_process(process_facts(), traits.started_unix_seconds);
  return text.text();
}

HttpResponse respond_with_metrics(const HttpRequest& request, const WorkerTraits& traits,
                                  const WorkerMeasures& measures) {
  if (request.path == "/metrics") {
    return {.type = std::string(kMetricsType), .body = worker_metrics(traits, measures.figures())};
  }
  return {.status = 404,
          .body = "This is a worker of Fanfold: /metrics has its metrics, the master has pages.\n"};
}

}  // namespace fanfold::worker
