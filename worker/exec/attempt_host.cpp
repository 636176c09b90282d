#include "worker/exec/attempt_host.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/io/dead_letter.hpp"
#include "common/io/scheme.hpp"
#include "common/io/unseen_part.hpp"
#include "common/proto/failures.hpp"
#include "common/proto/flow.hpp"
#include "common/proto/gather.hpp"
#include "worker/exec/part_place.hpp"
#include "worker/exec/segment_source.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;

/// They travel in every commit and are summed by the master.
constexpr std::size_t kCountersMax = 1000;
constexpr std::size_t kCounterNameBytes = 200;
/// Each is a file of its own per task.
constexpr std::size_t kOutputsMax = 100;

bool is_output_name(std::string_view name) {
  if (name.size() > limits::kNameBytes || name.empty()) return false;
  for (const char letter : name) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' ||
                       letter == '.';
    if (!plain) return false;
  }
  return name[0] != '.' && name[0] != '_' && name != "part";
}

}  // namespace

AttemptHost::AttemptHost(io::FileSystem& files, const RunRequest& request, SideFiles& side_files)
    : files_(files),
      request_(request),
      assignment_(*request.assignment),
      side_files_(side_files),
      branch_(has_branch(assignment_) ? assignment_.branch : 0),
      leaves_run_(leaves_run(assignment_)),
      bad_records_(request, *this) {}

void AttemptHost::fail(FailureKind kind, std::string message) {
  if (!failure_) {
    failure_.emplace();
    failure_->kind = kind;
    failure_->message = std::move(message);
  }
  throw abi::HostFailure();
}

void AttemptHost::fail_at_record(const BadRecord& record, std::string message) {
  if (!failure_) {
    failure_.emplace();
    failure_->kind = record.kind;
    failure_->message = std::move(message);
    failure_->record_file = record.file;
    failure_->record_offset = record.offset;
  }
  throw abi::HostFailure();
}

void AttemptHost::fail_fetch(std::vector<proto::MapOutput> lost, const std::string& message) {
  if (!failure_) {
    failure_.emplace();
    failure_->kind = FailureKind::kFetch;
    failure_->message = "cannot read a map output: " + message;
    // The rest is found missing when these have been replaced.
    if (lost.size() > limits::kLostNamed) lost.resize(limits::kLostNamed);
    failure_->lost_outputs = std::move(lost);
  }
  throw abi::HostFailure();
}

void AttemptHost::require(Status status) {
  if (status.ok()) return;
  const bool full = status.code() == StatusCode::kNoSpace;
  fail(full ? FailureKind::kNoSpace : FailureKind::kIo, status.message());
}

void AttemptHost::go_on() const {
  if (failure_) throw abi::HostFailure();
}

void AttemptHost::make_scratch() {
  if (std::exchange(scratch_made_, true)) return;
  require(files_.make_directories(request_.scratch));
}

std::string AttemptHost::spill_path(std::size_t index) const {
  return request_.scratch + "/spill-" + std::to_string(index) + ".run";
}

abi::RunSink& AttemptHost::start_run(abi::RunKind kind) {
  go_on();
  FANFOLD_CHECK(!run_started_);
  run_started_ = true;
  run_kind_ = kind;
  return *this;
}

void AttemptHost::write(std::uint32_t partition, std::string_view block,
                        const abi::BlockSummary& summary) {
  go_on();
  FANFOLD_CHECK(run_started_);
  // A run without records never becomes a file.
  if (!run_) run_ = create_run();
  const Status written = run_->write(partition + branch_, block, summary);
  if (written.code() != StatusCode::kExhausted) return require(written);
  // The job's doing, not the disk's.
  const bool kept = leaves_run_ && run_kind_ == abi::RunKind::kFinal;
  fail(FailureKind::kException,
       written.message() +
           (kept ? "; what is larger cannot be merged or folded: use --gather concat" : ""));
}

std::unique_ptr<io::RunFileWriter> AttemptHost::create_run() {
  const bool final = run_kind_ == abi::RunKind::kFinal;
  if (final && leaves_run_) {
    // Where the next task of the tree reads it, whatever becomes of this worker.  The same records
    // give the same bytes, however slow the disk is.
    auto created = io::create_durable_run_file(
        files_, output_directory() + "/" + proto::kGatherRunName, io::BlockCompression::kLz4);
    require(created.status());
    return *std::move(created);
  }
  make_scratch();
  const std::string path = final ? request_.scratch + "/output.run" : spill_path(spills_.size());
  auto created = io::create_run_file(files_, path, io::BlockCompression::kLz4IfSlow);
  require(created.status());
  return *std::move(created);
}

void AttemptHost::finish_run() {
  go_on();
  FANFOLD_CHECK(run_started_);
  run_started_ = false;
  if (run_) require(run_->finish());
  const std::vector<io::Segment> segments = run_ ? run_->segments() : std::vector<io::Segment>();
  if (run_kind_ == abi::RunKind::kSpill) {
    spills_.push_back(segments);
  } else {
    output_kept_ = run_ != nullptr;
    if (leaves_run_) return note_gather_run();
    for (const io::Segment& segment : segments) {
      proto::add_flow(&flow_, proto::flow_of(segment.partition, segment.summary));
    }
    note_heavy(segments);
    records_out_ += flow_.records;
    bytes_out_ += run_ ? run_->file_bytes() : 0;
  }
  run_.reset();
}

void AttemptHost::note_gather_run() {
  // Of nothing there is no file.
  if (!run_) return;
  gather_run_.emplace();
  gather_run_->name = proto::kGatherRunName;
  gather_run_->bytes = run_->file_bytes();
  const abi::BlockSummary& summary = run_->segments().front().summary;
  gather_run_->records = summary.records;
  gather_run_->checksum = checksum_of_run(summary);
  records_out_ += gather_run_->records;
  bytes_out_ += gather_run_->bytes;
  run_.reset();
}

std::unique_ptr<abi::RunSource> AttemptHost::open_spill(std::size_t index,
                                                        std::uint32_t partition) {
  go_on();
  partition += branch_;
  FANFOLD_CHECK(index < spills_.size());
  io::Segment wanted;
  wanted.partition = partition;
  const auto found = std::lower_bound(
      spills_[index].begin(), spills_[index].end(), partition,
      [](const io::Segment& segment, std::uint32_t number) { return segment.partition < number; });
  if (found != spills_[index].end() && found->partition == partition) wanted = *found;
  return std::make_unique<SegmentSource>(files_, spill_path(index), partition, wanted,
                                         [this](const Status& status) { require(status); });
}

void AttemptHost::drop_spill(std::size_t index) {
  go_on();
  FANFOLD_CHECK(index < spills_.size());
  if (!spills_[index].empty()) require(files_.remove_file(spill_path(index)));
  spills_[index].clear();
}

std::vector<std::unique_ptr<abi::RunSource>> AttemptHost::open_inputs(
    std::span<const FoundSegment> inputs, InputRuns runs) {
  std::vector<std::unique_ptr<abi::RunSource>> sources;
  while (!inputs.empty()) {
    const std::size_t small = count_to_gather(inputs);
    if (small < 2) {
      sources.push_back(open_input(inputs.front()));
      inputs = inputs.subspan(1);
      continue;
    }
    GatheredSegments::Options options;
    options.ordered_values = request_.job->order_values;
    options.on_failure = [this](const LocalSegment& input, const Status& status) {
      fail_fetch({input.output}, status.message());
    };
    options.bytes_read = request_.bytes_read;
    sources.push_back(
        std::make_unique<GatheredSegments>(runs, inputs.first(small), std::move(options)));
    inputs = inputs.subspan(small);
  }
  return sources;
}

std::unique_ptr<abi::RunSource> AttemptHost::open_input(const FoundSegment& input) {
  return std::make_unique<SegmentSource>(
      files_, input.input->path, input.segment.partition, input.segment,
      [this, output = input.input->output](const Status& status) {
        fail_fetch({output}, status.message());
      },
      request_.bytes_read);
}

io::PartWriter& AttemptHost::output_named(std::string_view name) {
  const auto found = outputs_.find(name);
  if (found != outputs_.end()) return *found->second;
  const bool part_file = assignment_.task.stage != Stage::kMap && name.empty();
  if (!part_file && !is_output_name(name)) {
    fail(FailureKind::kException,
         "the job writes to an output called '" + std::string(name.substr(0, limits::kNameBytes)) +
             "'; names are up to 64 letters, digits, '_', '-' and '.', and not 'part'");
  }
  if (outputs_.size() == kOutputsMax) {
    fail(FailureKind::kException, "the job writes to more than 100 named outputs in one task");
  }
  const PartPlace place = place_of(assignment_, name);
  const std::string path = output_directory() + "/" + place.file;
  const std::string target = io::without_slashes_at_end(assignment_.spec.output) + "/" + place.file;
  // What is joined or gathered first has to be read.
  auto part = place.unseen
                  ? io::create_unseen_part(files_, path, target, place.file, place.compression)
                  : io::create_part(files_, path, place.file, place.compression);
  require(part.status());
  return *outputs_.emplace(name, *std::move(part)).first->second;
}

std::string AttemptHost::output_directory() {
  std::string directory = assignment_.staging + "/" + std::to_string(assignment_.attempt.value);
  // Without its parent: a job that is over and cleaned up must not come back as a directory that
  // nobody removes any more.
  if (std::exchange(output_directory_made_, true)) return directory;
  require(files_.make_directory(directory));
  // This attempt may have run before, in an executor that lost an input or met a bad record; what
  // it left in a directory of this host, the worker has removed.
  if (!files_.renames(directory)) require(files_.remove_tree(directory));
  return directory;
}

void AttemptHost::note_bad_record(std::uint64_t offset, bool undone) {
  go_on();
  bad_records_.note(offset, undone);
}

void AttemptHost::write_dead_letter(std::string_view line) {
  go_on();
  if (!dead_letters_) {
    // As it is, whatever the job's compression: those of all maps are joined and read as text.
    auto part = io::create_part(files_, output_directory() + "/" + io::kDeadLettersName,
                                io::kDeadLettersName, io::PartCompression::kNone);
    require(part.status());
    dead_letters_ = *std::move(part);
  }
  require(dead_letters_->write(line, 1));
}

void AttemptHost::write_output(std::string_view name, std::string_view bytes,
                               std::uint64_t records) {
  go_on();
  require(output_named(name).write(bytes, records));
}

void AttemptHost::add_to_counter(std::string_view name, std::int64_t delta) {
  if (name == abi::kEmittedCounter) {
    emitted_ += static_cast<std::uint64_t>(delta);
    return;
  }
  if (name == abi::kUnmappedCounter) {
    unmapped_ += static_cast<std::uint64_t>(delta);
    return;
  }
  if (name == proto::kFailureCounter) {
    failures_ += static_cast<std::uint64_t>(delta);
    return;
  }
  const auto found = counters_.find(name);
  if (found != counters_.end()) {
    found->second += delta;
    return;
  }
  if (name.size() > kCounterNameBytes || counters_.size() == kCountersMax) {
    fail(FailureKind::kException,
         "the job counts too much: at most 1000 counters with names of at most 200 bytes");
  }
  counters_.emplace(name, delta);
}

/// To standard error, which is the attempt's log in an executor and the terminal in-process.
void AttemptHost::log(std::string_view text) {
  std::string line(text);
  if (line.empty() || line.back() != '\n') line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t put = ::write(STDERR_FILENO, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    // A log that cannot be written is no reason to fail an attempt.
    if (put <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string_view AttemptHost::side_file(std::string_view name) {
  go_on();
  for (const proto::FileReference& reference : assignment_.spec.side_files) {
    if (reference.name != name) continue;
    const auto bytes = side_files_.contents(reference);
    if (!bytes.ok()) fail(failure_of_input(bytes.status()), bytes.status().message());
    return *bytes;
  }
  fail(FailureKind::kInput, "the job wants a side file called '" + std::string(name) +
                                "'; give it with --file " + std::string(name) + "=PATH");
}

void AttemptHost::finish(proto::AttemptReport* report) {
  if (gather_run_) report->files.push_back(*gather_run_);
  for (auto& [name, part] : outputs_) {
    require(part->finish());
    const io::PartInfo& info = part->info();
    records_out_ += info.records;
    bytes_out_ += info.bytes;
    report->files.push_back(info);
  }
  if (dead_letters_) {
    require(dead_letters_->finish());
    report->files.push_back(dead_letters_->info());
  }
  report->records_out = records_out_;
  report->bytes_out = bytes_out_;
  report->spills = spills_.size();
  report->output_empty = !output_kept_;
  report->emitted = emitted_;
  report->emission = std::move(emission_);
  report->heavy_partitions = std::move(heavy_);
  if (assignment_.task.stage == Stage::kMap) finish_map(report);
  // Spills and fetched segments of a committed reduce would lie there as long as the job.
  const bool reduces =
      assignment_.task.stage == Stage::kReduce || assignment_.task.stage == Stage::kGather;
  if (reduces) require(files_.remove_tree(request_.scratch));
  report->counters.insert(counters_.begin(), counters_.end());
}

}  // namespace fanfold::worker
