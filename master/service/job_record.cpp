#include "master/service/job_record.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/redrive.hpp"
#include "master/publish/gathered.hpp"

namespace fanfold::master {
namespace {

/// A counter's name; longer ones share their beginning.
constexpr std::size_t kCounterNameBytes = 128;
/// Of a failure that is one of very many.
constexpr std::size_t kShortMessageBytes = 500;
/// Room in a frame for what is not a split: the job's description, splitters.
constexpr std::size_t kFrameReserve = limits::kJobSpecBytes + (512u << 10);
/// Encoded Piece without its texts.
constexpr std::size_t kEncodedPieceBytes = 32;

std::size_t encoded_size(const proto::Split& split) {
  std::size_t bytes = 0;
  for (const io::Piece& piece : split.pieces) {
    bytes += kEncodedPieceBytes + piece.path.size() + piece.tag.size();
  }
  return bytes;
}

}  // namespace

JobRecord::JobRecord(JobId job, proto::JobSpec spec, std::string staging, Instant submitted)
    : job_(job), submitted_(submitted) {
  message_.assignment.spec = std::move(spec);
  message_.assignment.staging = std::move(staging);
}

JobRecord::JobRecord(proto::StoredEnd end)
    : job_(end.status.job), phase_(JobPhase::kEnded), final_status_(std::move(end.status)) {
  message_.assignment.spec.client_id = std::move(end.client_id);
  message_.assignment.staging = std::move(end.staging);
}

JobRecord::JobRecord(JobId job, proto::StoredJob stored)
    : job_(job),
      phase_(JobPhase::kActive),
      splits_(std::move(stored.splits)),
      sample_(std::move(stored.sample)),
      notes_(std::move(stored.notes)) {
  message_.assignment.spec = std::move(stored.spec);
  message_.assignment.staging = std::move(stored.staging);
  message_.assignment.partitions = stored.partitions;
  count_splits();
}

void JobRecord::count_splits() {
  splits_planned_ = splits_.size();
  for (const proto::Split& split : splits_) {
    input_bytes_ += split.bytes;
    names_bytes_ += encoded_size(split);
  }
  commits_[slot_of(Stage::kSample)].resize(1);
  commits_[slot_of(Stage::kMap)].resize(splits_.size());
  commits_[slot_of(Stage::kReduce)].resize(message_.assignment.partitions);
  commits_[slot_of(Stage::kGather)].resize(tree().tasks());
}

bool JobRecord::contains(const TaskId& task) const {
  return task.job == job_ && task.index < commits_[slot_of(task.stage)].size();
}

EventRecorder::Outline JobRecord::outline(const JobSubmitted& submitted) const {
  EventRecorder::Outline outline;
  outline.job = job_;
  outline.spec = &spec();
  outline.submitted = submitted_;
  outline.splits = static_cast<std::uint32_t>(splits_.size());
  outline.partitions = submitted.partitions;
  outline.gathers = tree().tasks();
  outline.sample = submitted.sample;
  for (const proto::Split& split : splits_) outline.input_bytes += split.bytes;
  outline.notes = &notes_;
  return outline;
}

JobSubmitted JobRecord::accept_plan(Plan plan, std::int64_t unix_us_at_origin) {
  FANFOLD_CHECK(phase_ == JobPhase::kPlanning);
  phase_ = JobPhase::kActive;
  splits_ = std::move(plan.splits);
  sample_ = std::move(plan.sample);
  notes_ = std::move(plan.notes);
  message_.assignment.partitions = plan.partitions;

  JobSubmitted submitted;
  submitted.job = job_;
  submitted.split_bytes.reserve(splits_.size());
  for (const proto::Split& split : splits_) submitted.split_bytes.push_back(split.bytes);
  submitted.partitions = plan.partitions;
  // Branches of a tree have splits, not ranges of keys.
  submitted.sample = spec().partitioning == abi::Partitioning::kRange && plan.partitions > 1 &&
                     !sample_.pieces.empty() && spec().gather.how != abi::Gather::kReduce;
  submitted.gather_arity = spec().gather.arity;
  submitted.attempts_max =
      spec().attempts_max == 0 ? limits::kAttemptsPerTask : spec().attempts_max;
  submitted.speculate = spec().speculate;

  for (const proto::Split& split : splits_) {
    const std::string_view host = split.pieces.empty() ? "" : host_of(split.pieces.front().path);
    if (submitted.hosts.empty() || submitted.hosts.back().host != host) {
      submitted.hosts.push_back({std::string(host), 0});
    }
    ++submitted.hosts.back().count;
  }
  // Nothing of it lies on a host.
  if (submitted.hosts.size() == 1 && submitted.hosts.front().host.empty()) submitted.hosts.clear();
  if (submitted.sample) submitted.sample_host = host_of(sample_.pieces.front().path);

  for (const PreferenceRun& run : plan.preferred) {
    submitted.preferred.push_back({PreferredSplits::kAnywhere, run.count});
    if (run.preference) {
      submitted.preferred.back().hosts = static_cast<std::uint32_t>(*run.preference);
    }
  }
  for (const proto::Preference& one : spec().prefer) {
    if (!submitted.preferred.empty()) submitted.preferred_hosts.push_back(one.hosts);
  }
  submitted.locality_wait_ms = spec().locality_wait_ms;

  submitted.verify_per_million = spec().verify_per_million;
  submitted.control = spec().control;
  submitted.shuffle_mode = spec().shuffle_mode;
  submitted.over_network = spec().shuffle == proto::ShufflePath::kNetwork;
  submitted.hot_partition_bytes = spec().hot_partition_bytes;
  submitted.fold_hot = spec().fold_hot;
  set_completion(unix_us_at_origin, &submitted);
  count_splits();
  return submitted;
}

void JobRecord::count(Stage stage, const proto::AttemptReport& report, Direction direction) {
  const bool add = direction == Direction::kAdd;
  const auto change = [add](std::uint64_t* total, std::uint64_t by) {
    *total = add ? *total + by : *total - by;
  };
  Totals& totals = totals_[slot_of(stage)];
  change(&totals.records_in, report.records_in);
  change(&totals.records_out, report.records_out);
  change(&totals.bytes_in, report.bytes_in);
  change(&totals.bytes_out, report.bytes_out);
  change(&totals.records_skipped, report.records_skipped);
  change(&totals.dead_letters, report.dead_letters);
  change(&totals.fetched.early, report.fetched.early);
  change(&totals.fetched.late, report.fetched.late);
  // A sample reads records that a map reads again.
  if (stage == Stage::kSample) return;
  for (const auto& [name, value] : report.counters) {
    const std::string key = name.substr(0, kCounterNameBytes);
    auto counter = counters_.find(key);
    if (counter == counters_.end()) {
      if (counters_.size() == limits::kCountersPerJob) {
        counters_left_out_ = true;
        continue;
      }
      counter = counters_.emplace(key, 0).first;
    }
    // Unsigned arithmetic wraps; user code may count beyond the range of its counters.
    const auto sum = static_cast<std::uint64_t>(counter->second);
    const auto by = static_cast<std::uint64_t>(value);
    counter->second = static_cast<std::int64_t>(add ? sum + by : sum - by);
  }
}

void JobRecord::commit(const AttemptCommitted& fact, proto::AttemptReport report) {
  std::vector<Commit>& commits = commits_[slot_of(fact.task.stage)];
  FANFOLD_CHECK(fact.task.index < commits.size());
  Commit& commit = commits[fact.task.index];
  if (commit.attempt != AttemptId{}) {
    count(fact.task.stage, commit.report, Direction::kSubtract);
  } else if (fact.task.stage == Stage::kMap) {
    emission_.add(report.emission, message_.assignment.partitions);
  }
  // Of a hundred thousand maps that would be most of the memory.
  report.emission = {};
  count(fact.task.stage, report, Direction::kAdd);
  if (fact.task.stage == Stage::kSample) {
    message_.assignment.splitters = std::move(report.splitters);
    report.splitters.clear();
  }
  commit.attempt = fact.attempt;
  commit.lost = false;
  commit.report = std::move(report);
}

void JobRecord::note_failure(AttemptId attempt, proto::FailureReport failure) {
  // Any of them may turn out to be the first cause, so the many are kept too, but short.
  if (failures_.size() >= limits::kFailuresPerJob) {
    if (failures_.size() >= 100 * limits::kFailuresPerJob) return;
    failure.stack.clear();
    failure.log_tail.clear();
    failure.message.resize(std::min(failure.message.size(), kShortMessageBytes));
  }
  failures_.emplace(attempt, std::move(failure));
}

const proto::FailureReport* JobRecord::find_failure(AttemptId attempt) const {
  const auto found = failures_.find(attempt);
  return found == failures_.end() ? nullptr : &found->second;
}

JobSize JobRecord::size() const {
  return {splits_.size() + message_.assignment.partitions + tree().tasks(), input_bytes_};
}

std::string JobRecord::description() const {
  proto::StoredJob stored;
  stored.spec = spec();
  stored.staging = staging();
  stored.partitions = message_.assignment.partitions;
  stored.splits = splits_;
  stored.sample = sample_;
  stored.notes = notes_;
  return proto::encode_struct(stored);
}

std::string JobRecord::end_note(const proto::JobStatus& final_status) const {
  proto::StoredEnd end;
  end.status = final_status;
  end.client_id = spec().client_id;
  end.staging = staging();
  return proto::encode_struct(end);
}

std::vector<AttemptFiles> JobRecord::files_of(Stage stage,
                                              const std::vector<AttemptId>& attempts) const {
  const std::vector<Commit>& commits = commits_[slot_of(stage)];
  FANFOLD_CHECK(attempts.size() <= commits.size());
  std::vector<AttemptFiles> files;
  files.reserve(attempts.size());
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    FANFOLD_CHECK(commits[i].attempt == attempts[i]);
    files.push_back({.attempt = attempts[i], .files = commits[i].report.files});
  }
  return files;
}

PublishRequest JobRecord::publish_request(const PublishJob& action, std::uint64_t epoch) const {
  PublishRequest request;
  request.job = job_;
  request.spec = spec();
  request.partitions = message_.assignment.partitions;
  request.staging = staging();
  request.epoch = epoch;
  request.ledger = ledger();
  request.ledger->maps_compared = action.audited;
  request.pairs_folded = pairs_folded();
  if (publishing_) request.coverage = coverage(publishing_->completion);
  request.maps = files_of(Stage::kMap, action.maps);
  request.reduces = files_of(Stage::kReduce, action.reduces);
  if (publishing_) request.status = *publishing_;
  for (const Commit& commit : commits_[slot_of(Stage::kMap)]) {
    proto::add_counters(commit.report.counters, kCounterNameBytes, &request.map_counters);
  }
  if (action.gathered != AttemptId{}) {
    const Commit& root = commits_[slot_of(Stage::kGather)].back();
    FANFOLD_CHECK(root.attempt == action.gathered);
    put_gathered(&request, {.attempt = root.attempt, .files = root.report.files});
  }
  return request;
}

/// What a stage reads is what the one before it wrote, but for what the indexes of run files take.
void JobRecord::count_bytes(proto::StageStatus* stage) const {
  const bool reduce = stage->stage == Stage::kReduce;
  // Each level of a tree reads about as much as there is.
  const std::uint64_t written = reduce
                                    ? totals_[slot_of(Stage::kMap)].bytes_out
                                    : totals_[slot_of(Stage::kReduce)].bytes_out * tree().levels();
  stage->bytes_done =
      std::min(stage->bytes_done + totals_[slot_of(stage->stage)].bytes_in, written);
  stage->bytes_total = stage->done < stage->tasks ? written : stage->bytes_done;
}

void JobRecord::complete(proto::JobStatus* status) const {
  status->job = job_;
  status->job_name = spec().job_name;
  status->output = spec().output;
  status->submitted_by = spec().submitted_by;
  status->counters = counters_;
  status->emission = emission_.total();
  status->notes.insert(status->notes.begin(), notes_.begin(), notes_.end());
  if (counters_left_out_) {
    status->notes.push_back("only " + std::to_string(limits::kCountersPerJob) +
                            " counters are kept; what was counted under further names is left out");
  }
  for (proto::StageStatus& stage : status->stages) {
    const Totals& totals = totals_[slot_of(stage.stage)];
    stage.records_in = totals.records_in;
    stage.records_out = totals.records_out;
    stage.bytes_out = totals.bytes_out;
    if (stage.stage == Stage::kReduce || stage.stage == Stage::kGather) count_bytes(&stage);
  }
  status->completion.deadline_ms = spec().deadline_ms;
  status->records_skipped = totals_[slot_of(Stage::kMap)].records_skipped;
  status->dead_letters = totals_[slot_of(Stage::kMap)].dead_letters;
  status->shuffle = {spec().shuffle_mode, totals_[slot_of(Stage::kReduce)].fetched};
  status->output_bytes = published_.bytes;
  status->output_records = published_.records;
  status->output_files = published_.files;
}

proto::JobStatus JobRecord::ended_status(const JobEnded& fact, proto::JobStatus status) const {
  status.state = fact.state;
  status.reason = fact.reason;
  status.failed_task = fact.failed_task;
  status.failed_attempt = fact.first_failure;
  const auto cause = failures_.find(fact.first_failure);
  if (cause != failures_.end()) status.first_cause = cause->second;
  if (!remains(fact.state).kept.empty()) {
    status.notes.push_back("what the job was fed and is not in its output is kept in " +
                           fed_directory(staging()));
  }
  return status;
}

void JobRecord::finish(proto::JobStatus final_status) {
  FANFOLD_CHECK(phase_ == JobPhase::kActive);
  final_status_ = std::move(final_status);
  phase_ = JobPhase::kEnded;
  // The description stays: a late submission of the same client id may ask for it.
  message_.assignment.splitters = {};
  splits_ = {};
  sample_ = {};
  listing_ = {};
  for (auto& commits : commits_) commits = {};
  failures_.clear();
  given_up_.clear();
  shares_ = {};
  feeders_.clear();
  counters_.clear();
  emission_ = {};
  notes_ = {};
}

const proto::JobStatus& JobRecord::final_status() const {
  FANFOLD_CHECK(final_status_.has_value());
  return *final_status_;
}

Status check_assignment_sizes(const Plan& plan) {
  constexpr std::size_t kRoom = limits::kControlFrameBytes - kFrameReserve;
  if (plan.splits.size() > limits::kSplits) {
    return {StatusCode::kExhausted,
            "the input makes " + std::to_string(plan.splits.size()) + " splits, more than the " +
                std::to_string(limits::kSplits) + " of a job: choose larger splits"};
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < plan.splits.size(); ++i) {
    bytes += encoded_size(plan.splits[i]);
    if (bytes > limits::kPlanBytes) {
      return {StatusCode::kExhausted,
              "the names of the input files take more than the " +
                  std::to_string(limits::kPlanBytes) +
                  " bytes that the master keeps of a job: join small files, or use shorter paths"};
    }
    if (encoded_size(plan.splits[i]) > kRoom) {
      return {StatusCode::kExhausted,
              "split " + std::to_string(i) + " names " +
                  std::to_string(plan.splits[i].pieces.size()) +
                  " files whose paths together are too long for one task: choose smaller splits "
                  "or a shorter directory"};
    }
  }
  return {};
}

}  // namespace fanfold::master
