#include "cli/local/in_process.hpp"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "cli/job/job_spec.hpp"
#include "cli/process/private_directory.hpp"
#include "common/core/clock.hpp"
#include "common/core/limits.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/gather.hpp"
#include "common/proto/redrive.hpp"
#include "common/storage/storage.hpp"
#include "master/planner/planner.hpp"
#include "master/publish/gathered.hpp"
#include "master/publish/publish.hpp"
#include "master/publish/publish_objects.hpp"
#include "worker/exec/bad_records.hpp"
#include "worker/exec/run_task.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kMemoryDefault = 1u << 30;
constexpr JobId kJob = {1};

std::uint64_t milliseconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

class InProcessRun {
 public:
  InProcessRun(proto::JobSpec spec, const InProcessOptions& options)
      : options_(options), started_(steady_clock().now()) {
    assignment_.spec = std::move(spec);
    // In an object store others may write beside it, from hosts with processes of the same number.
    const std::string unique = make_client_id();
    if (assignment_.spec.client_id.empty()) assignment_.spec.client_id = unique;
    assignment_.staging = master::staging_directory(assignment_.spec.output, unique);
    assignment_.task.job = kJob;
    if (assignment_.spec.memory_bytes == 0) assignment_.spec.memory_bytes = kMemoryDefault;
  }

  const std::string& staging() const { return assignment_.staging; }

  void set_scratch(std::string directory) { scratch_ = std::move(directory); }
  void set_inputs(std::vector<std::string> inputs) { assignment_.spec.inputs = std::move(inputs); }

  /// Everything that can be refused before a task runs.
  Status prepare();
  proto::JobStatus run();

 private:
  struct Attempt {
    AttemptId id;
    proto::AttemptReport report;
  };

  void begin_stage(Stage stage, std::size_t tasks);
  proto::StageStatus& stage() { return status_.stages.back(); }
  /// False: status_ says why the job failed.
  bool run_attempt(Stage stage, std::uint32_t index, worker::SegmentList segments,
                   Attempt* attempt);
  bool run_sample();
  bool run_maps();
  bool run_reduces();
  bool run_gathers();
  void publish();
  void fail(std::string reason);
  void account(const proto::AttemptReport& report);
  /// Of an attempt that begins anew.
  Status remove_traces(AttemptId attempt);
  /// False: there were too many bad records.
  bool tolerate_bad_records();
  void tell();
  std::string attempt_directory(AttemptId attempt) const {
    return scratch_ + "/1/" + std::to_string(attempt.value);
  }

  const InProcessOptions& options_;
  std::string scratch_;
  const Instant started_;
  io::FileSystem& files_ = storage();
  master::Plan plan_;
  const abi::Plugin* plugin_ = nullptr;
  const abi::JobInfo* job_ = nullptr;
  proto::TaskAssignment assignment_;
  std::uint64_t attempts_ = 0;
  Instant stage_started_;
  proto::JobStatus status_;
  io::KeptRuns kept_runs_{files_};
  std::vector<Attempt> maps_;
  std::vector<Attempt> reduces_;
  std::vector<Attempt> gathers_;
};

Status InProcessRun::prepare() {
  const proto::JobSpec& spec = assignment_.spec;
  master::PlanLimits limits;
  limits.slots = 1;
  limits.memory_bytes = spec.memory_bytes;
  FANFOLD_ASSIGN_OR_RETURN(plan_, master::make_plan(files_, spec, limits));
  FANFOLD_RETURN_IF_ERROR(master::prepare_output(files_, spec, assignment_.staging));
  FANFOLD_ASSIGN_OR_RETURN(plugin_, worker::load_plugin(spec.plugin.path));
  FANFOLD_ASSIGN_OR_RETURN(job_, worker::find_job(*plugin_, spec.job_name, spec.plugin.path));
  assignment_.partitions = plan_.partitions;
  status_.job = kJob;
  status_.job_name = spec.job_name;
  status_.output = spec.output;
  status_.submitted_by = spec.submitted_by;
  status_.notes = plan_.notes;
  return Status();
}

void InProcessRun::begin_stage(Stage stage, std::size_t tasks) {
  proto::StageStatus status;
  status.stage = stage;
  status.tasks = static_cast<std::uint32_t>(tasks);
  status_.stages.push_back(status);
  if (options_.on_stage) options_.on_stage(stage);
  stage_started_ = steady_clock().now();
}

void InProcessRun::tell() {
  const Instant now = steady_clock().now();
  status_.elapsed_ms = milliseconds(now - started_);
  if (!status_.stages.empty()) stage().elapsed_ms = milliseconds(now - stage_started_);
  if (options_.on_status) options_.on_status(status_);
}

void InProcessRun::account(const proto::AttemptReport& report) {
  proto::StageStatus& now = stage();
  ++now.done;
  now.bytes_done += report.bytes_in;
  now.records_in += report.records_in;
  now.records_out += report.records_out;
  now.bytes_out += report.bytes_out;
  if (now.stage != Stage::kSample) {
    for (const auto& [name, value] : report.counters) status_.counters[name] += value;
    status_.records_skipped += report.records_skipped;
    status_.dead_letters += report.dead_letters;
    const std::uint64_t wall_ms = report.wall_us / 1000;
    if (status_.slowest_task.job.value == 0 || wall_ms > status_.slowest_task_ms) {
      status_.slowest_task = assignment_.task;
      status_.slowest_task_ms = wall_ms;
    }
  }
}

Status InProcessRun::remove_traces(AttemptId attempt) {
  FANFOLD_RETURN_IF_ERROR(files_.remove_tree(attempt_directory(attempt)));
  return files_.remove_tree(assignment_.staging + "/" + std::to_string(attempt.value));
}

bool InProcessRun::tolerate_bad_records() {
  const proto::BadRecordPolicy& policy = assignment_.spec.bad_records;
  const std::uint64_t bad = status_.records_skipped + status_.dead_letters;
  const std::uint64_t records = stage().records_in;
  const bool many = policy.records_max != 0 && bad > policy.records_max;
  const bool large = policy.per_million != 0 && bad * 1'000'000 > records * policy.per_million;
  if (!many && !large) return true;
  fail("FAILURE_TOLERANCE_EXCEEDED: " + std::to_string(bad) + " of " + std::to_string(records) +
       " records could not be mapped, more than " +
       (many ? "--bad-records-max" : "--bad-records-per-million") + " allows");
  return false;
}

bool InProcessRun::run_attempt(Stage stage, std::uint32_t index, worker::SegmentList segments,
                               Attempt* attempt) {
  attempt->id = AttemptId{++attempts_};
  assignment_.attempt = attempt->id;
  assignment_.task.stage = stage;
  assignment_.task.index = index;
  worker::RunRequest request;
  request.assignment = &assignment_;
  request.job = job_;
  request.scratch = attempt_directory(attempt->id);
  request.segments = std::move(segments);
  request.kept_runs = &kept_runs_;
  request.memory_bytes = assignment_.spec.memory_bytes;
  request.threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<worker::BadRecord> bad_records;
  request.bad_records = &bad_records;
  worker::RunOutcome outcome = worker::run_task(files_, request);
  // As a worker would do it; a crash ends this process and everything in it.
  while (!outcome.succeeded && outcome.failure.record_to_blame &&
         assignment_.spec.bad_records.tolerant() &&
         bad_records.size() < limits::kBadRecordsPerAttempt) {
    proto::FailureReport& failure = outcome.failure;
    bad_records.push_back({std::move(failure.record_file), failure.record_offset, failure.kind,
                           std::move(failure.message), std::move(failure.stack)});
    if (const Status status = remove_traces(attempt->id); !status.ok()) {
      fail(status.message());
      return false;
    }
    outcome = worker::run_task(files_, request);
  }
  if (!outcome.succeeded) {
    status_.first_cause = std::move(outcome.failure);
    status_.failed_task = assignment_.task;
    status_.failed_attempt = attempt->id;
    status_.failed_attempts = 1;
    fail("a task failed (there are no retries in-process)");
    return false;
  }
  account(outcome.report);
  attempt->report = std::move(outcome.report);
  tell();
  return true;
}

bool InProcessRun::run_sample() {
  if (assignment_.spec.partitioning != abi::Partitioning::kRange || plan_.partitions < 2 ||
      plan_.sample.pieces.empty() || assignment_.spec.gather.how == abi::Gather::kReduce) {
    return true;
  }
  begin_stage(Stage::kSample, 1);
  assignment_.split = plan_.sample;
  Attempt attempt;
  if (!run_attempt(Stage::kSample, 0, {}, &attempt)) return false;
  assignment_.splitters = std::move(attempt.report.splitters);
  return true;
}

bool InProcessRun::run_maps() {
  begin_stage(Stage::kMap, plan_.splits.size());
  for (const proto::Split& split : plan_.splits) stage().bytes_total += split.bytes;
  for (std::uint32_t index = 0; index < plan_.splits.size(); ++index) {
    assignment_.split = plan_.splits[index];
    assignment_.branch = proto::branch_of(index, plan_.splits.size(), plan_.partitions);
    maps_.emplace_back();
    if (!run_attempt(Stage::kMap, index, {}, &maps_.back())) return false;
  }
  assignment_.split = {};
  return tolerate_bad_records();
}

bool InProcessRun::run_reduces() {
  begin_stage(Stage::kReduce, plan_.partitions);
  for (const Attempt& map : maps_) stage().bytes_total += map.report.bytes_out;
  std::vector<worker::LocalSegment> outputs;
  for (std::uint32_t split = 0; split < maps_.size(); ++split) {
    if (maps_[split].report.output_empty) continue;
    worker::LocalSegment segment;
    segment.output.split = split;
    segment.output.attempt = maps_[split].id;
    segment.path = attempt_directory(maps_[split].id) + "/output.run";
    outputs.push_back(std::move(segment));
  }
  const auto list = worker::make_segment_list(std::move(outputs));
  const proto::BadRecordPolicy policy = assignment_.spec.bad_records;
  // As a master would say it: without letters nothing is kept for a redrive.
  if (status_.dead_letters == 0) assignment_.spec.bad_records = {};
  bool done = true;
  for (std::uint32_t index = 0; index < plan_.partitions && done; ++index) {
    reduces_.emplace_back();
    done = run_attempt(Stage::kReduce, index, list, &reduces_.back());
  }
  assignment_.spec.bad_records = policy;
  return done;
}

bool InProcessRun::run_gathers() {
  const proto::GatherTree tree(assignment_);
  if (tree.tasks() == 0) return true;
  begin_stage(Stage::kGather, tree.tasks());
  for (const Attempt& reduce : reduces_) {
    stage().bytes_total += reduce.report.bytes_out * tree.levels();
  }
  for (std::uint32_t index = 0; index < tree.tasks(); ++index) {
    const proto::GatherTree::Inputs wanted = tree.inputs(index);
    const std::vector<Attempt>& sources = wanted.stage == Stage::kReduce ? reduces_ : gathers_;
    assignment_.gather_inputs.clear();
    for (std::uint32_t i = wanted.begin; i < wanted.end; ++i) {
      const io::PartInfo* file = proto::gathered_file(sources[i].report.files);
      if (file != nullptr) assignment_.gather_inputs.push_back({sources[i].id, *file});
    }
    Attempt gathered;
    if (!run_attempt(Stage::kGather, index, {}, &gathered)) return false;
    gathers_.push_back(std::move(gathered));
  }
  return true;
}

void InProcessRun::publish() {
  status_.state = proto::JobState::kPublishing;
  tell();
  master::PublishRequest request;
  request.job = kJob;
  request.spec = assignment_.spec;
  request.partitions = plan_.partitions;
  request.staging = assignment_.staging;
  for (const Attempt& map : maps_) {
    request.maps.push_back({map.id, map.report.files});
    proto::add_counters(map.report.counters, std::string::npos, &request.map_counters);
  }
  for (const Attempt& reduce : reduces_)
    request.reduces.push_back({reduce.id, reduce.report.files});
  request.status = status_;
  if (!gathers_.empty()) {
    master::put_gathered(&request, {gathers_.back().id, gathers_.back().report.files});
  }
  const Result<master::Published> published = master::publish(files_, request);
  if (!published.ok()) {
    fail(published.status().message());
    return;
  }
  status_.state = proto::JobState::kSucceeded;
  status_.output_bytes = published->bytes;
  status_.output_records = published->records;
  status_.output_files = published->files;
}

void InProcessRun::fail(std::string reason) {
  status_.state = proto::JobState::kFailed;
  status_.reason = std::move(reason);
  // Files of this host go with the private directory.
  if (!files_.renames(staging())) {
    static_cast<void>(master::remove_staging_directory(files_, staging()));
  }
}

proto::JobStatus InProcessRun::run() {
  if (run_sample() && run_maps() && run_reduces() && run_gathers()) publish();
  tell();
  return std::move(status_);
}

}  // namespace

Result<proto::JobStatus> run_in_process(proto::JobSpec spec, const InProcessOptions& options) {
  InProcessRun run(spec, options);
  PrivateDirectory directory;
  FANFOLD_RETURN_IF_ERROR(directory.create(options.temporary_directory, {run.staging()}));
  run.set_scratch(directory.path());
  directory.exit_on_interrupt(options.interrupted_exit_code);
  if (has_standard_input(spec)) {
    FANFOLD_RETURN_IF_ERROR(
        copy_standard_input(STDIN_FILENO, directory.path() + "/standard-input", {}, &spec));
    run.set_inputs(spec.inputs);
  }
  FANFOLD_RETURN_IF_ERROR(run.prepare());
  return run.run();
}

}  // namespace fanfold::cli
