#include "worker/shuffle/homes.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"

namespace fanfold::worker {
namespace {

/// Requests under way: enough to keep several data servers busy, few beside those of attempts.
constexpr std::size_t kBatchesMax = 4;
/// Outputs and bytes of one: an attempt that comes waits for no more than that.
constexpr std::size_t kOutputsPerBatch = 1024;
constexpr std::uint64_t kBatchBytesMax = 64u << 20;
/// For less it does not pay to ask: most of what came would be thrown away.
constexpr std::uint64_t kBatchBytesMin = 4u << 20;
/// What is brought early may take up this part of what is free without it: maps and merges need
/// the disk, too.
constexpr std::uint64_t kShareOfDisk = 4;
/// Segments that are known of, here or not: what is beyond takes more memory than it saves time.
constexpr std::size_t kSegmentsMax = std::size_t{1} << 18;
/// One job leaves some to others.
constexpr std::size_t kSegmentsOfJobMax = kSegmentsMax / 4;

}  // namespace

std::string Homes::directory(JobId job) const { return scratch_ + "/" + std::to_string(job.value); }

std::size_t Homes::segments() const {
  std::size_t count = 0;
  for (const auto& [place, partition] : partitions_) count += partition.segments();
  return count;
}

std::size_t Homes::segments(JobId job) const {
  std::size_t count = 0;
  for (auto one = partitions_.lower_bound({job, 0});
       one != partitions_.end() && one->first.job == job; ++one) {
    count += one->second.segments();
  }
  return count;
}

void Homes::tell(const Told& told) {
  OfJob& job = jobs_[told.job];
  if (job.failed) return;
  job.segment_bytes_max = told.segment_bytes_max;
  for (const proto::Holder& holder : told.list->holders) job.holders[holder.worker] = holder;
  at_rest_ = false;
  std::size_t more = std::min(kSegmentsMax - std::min(kSegmentsMax, segments()),
                              kSegmentsOfJobMax - std::min(kSegmentsOfJobMax, segments(told.job)));
  for (const std::uint32_t number : told.partitions) {
    Partition& partition = partitions_[{told.job, number}];
    if (partition.claimed) continue;
    partition.released = false;
    for (const proto::MapOutput& output : told.list->outputs) {
      const proto::Holder& holder = told.list->holders[output.holder];
      const bool local = !holder.host_id.empty() && holder.host_id == host_id_;
      if (local && !told.over_network) continue;
      if (partition.coming.count(output.attempt) > 0 || partition.here.count(output.attempt) > 0 ||
          partition.left.count(output.attempt) > 0) {
        continue;
      }
      if (more == 0) return;
      const Wanted wanted{output.split, holder.worker};
      if (partition.waiting.insert_or_assign(output.attempt, wanted).second) --more;
    }
  }
}

std::uint64_t Homes::room() const {
  const Result<std::uint64_t> free = files_.free_bytes(scratch_);
  // Where nobody knows, there may be none.
  if (!free.ok()) return 0;
  const std::uint64_t held = figures_.bytes_held;
  const std::uint64_t most = (*free + held) / kShareOfDisk;
  std::uint64_t taken = held;
  for (const auto& [request, batch] : batches_) taken += batch.bytes_max;
  // Another may need some at the same time.
  const std::uint64_t bytes = most > taken ? (most - taken) / 2 : 0;
  return bytes < kBatchBytesMin ? 0 : std::min(bytes, kBatchBytesMax);
}

void Homes::go_on() {
  while (!at_rest_ && batches_.size() < kBatchesMax) {
    const auto next = next_place();
    at_rest_ = next == partitions_.end();
    if (at_rest_) return;
    const std::uint64_t bytes_max = room();
    at_rest_ = bytes_max == 0;
    if (at_rest_) return;
    turn_ = next->first;
    begin(next->first, next->second, bytes_max);
  }
}

std::map<Homes::Place, Homes::Partition>::iterator Homes::next_place() {
  const auto waits = [](const auto& entry) {
    return !entry.second.waiting.empty() && !entry.second.asking;
  };
  const auto behind = partitions_.upper_bound(turn_);
  const auto found = std::find_if(behind, partitions_.end(), waits);
  if (found != partitions_.end()) return found;
  const auto before = std::find_if(partitions_.begin(), behind, waits);
  return before != behind ? before : partitions_.end();
}

void Homes::begin(const Place& place, Partition& partition, std::uint64_t bytes_max) {
  OfJob& job = jobs_.at(place.job);
  Batch batch;
  batch.place = place;
  batch.bytes_max = bytes_max;
  auto holders = std::make_shared<std::vector<proto::Holder>>();
  std::map<WorkerId, std::uint32_t> numbers;
  while (!partition.waiting.empty() && batch.outputs.size() < kOutputsPerBatch) {
    const auto first = partition.waiting.begin();
    const auto [attempt, wanted] = *first;
    partition.waiting.erase(first);
    if (job.silent.count(wanted.holder) > 0) continue;
    const auto [number, fresh] = numbers.emplace(wanted.holder, holders->size());
    if (fresh) holders->push_back(job.holders.at(wanted.holder));
    batch.outputs.push_back({.split = wanted.split, .attempt = attempt, .holder = number->second});
    batch.holders.push_back(wanted.holder);
  }
  if (batch.outputs.empty()) return;
  FetchRequest request;
  request.attempt = AttemptId{kEarlyBit | ++begun_};
  request.job = place.job;
  request.partition = place.partition;
  request.holders = std::move(holders);
  request.outputs = batch.outputs;
  // No attempt has this name: they are numbers.
  request.directory = directory(place.job) + "/early";
  request.file = std::to_string(place.partition) + "-" + std::to_string(begun_) + ".blocks";
  batch.file = request.directory + "/" + request.file;
  request.segment_bytes_max = job.segment_bytes_max;
  request.bytes_max = bytes_max;
  const AttemptId id = request.attempt;
  // Too many attempts wait for theirs: these are left to whoever reduces them.
  if (!fetcher_.fetch(std::move(request)).ok()) return;
  for (const proto::MapOutput& output : batch.outputs) partition.coming.insert(output.attempt);
  partition.asking = true;
  batches_.emplace(id, std::move(batch));
}

std::optional<Homes::News> Homes::note(FetchOutcome outcome) {
  const auto known = batches_.find(outcome.attempt);
  FANFOLD_CHECK(known != batches_.end());
  News news;
  news.place = known->second.place;
  news.why_lost = std::move(outcome.why_lost);
  news.ended = outcome.ended;
  const bool dropped = known->second.dropped;
  for (const proto::MapOutput& lost : outcome.lost) {
    known->second.lost.insert(lost.attempt);
    news.lost.push_back(lost.attempt);
    if (!dropped) partitions_.at(news.place).coming.erase(lost.attempt);
  }
  if (!outcome.ended) return dropped ? std::nullopt : std::optional(std::move(news));
  const Batch batch = std::move(known->second);
  batches_.erase(known);
  at_rest_ = false;
  if (dropped) {
    // It may have been begun after everything of its job was removed.
    const bool gone = jobs_.count(news.place.job) == 0;
    static_cast<void>(gone ? files_.remove_tree(directory(news.place.job))
                           : files_.remove_file(batch.file));
    return std::nullopt;
  }
  Partition& partition = partitions_.at(news.place);
  partition.coming.clear();
  partition.asking = false;
  if (outcome.succeeded) {
    take(batch, outcome, partition);
  } else {
    static_cast<void>(files_.remove_file(batch.file));
    note_failed(batch, outcome.failure.kind);
  }
  return news;
}

void Homes::take(const Batch& batch, const FetchOutcome& outcome, Partition& partition) {
  OfJob& job = jobs_.at(batch.place.job);
  for (const proto::MapOutput& output : outcome.left) partition.left.insert(output.attempt);
  figures_.segments_left += outcome.left.size();
  for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
    const AttemptId attempt = batch.outputs[i].attempt;
    const bool lost = batch.lost.count(attempt) > 0;
    if (lost) job.silent.insert(batch.holders[i]);
    if (!lost && partition.left.count(attempt) == 0) partition.here[attempt] = {};
  }
  if (!outcome.segments.empty()) partition.files.push_back(batch.file);
  for (const LocalSegment& segment : outcome.segments) {
    partition.here[segment.output.attempt] = segment;
    ++figures_.segments;
    figures_.bytes += segment.segment.stored_bytes;
    figures_.bytes_held += segment.segment.stored_bytes;
  }
}

void Homes::note_failed(const Batch& batch, proto::FailureKind kind) {
  ++figures_.failures;
  jobs_.at(batch.place.job).failed = true;
  for (auto& [place, partition] : partitions_) {
    if (place.job == batch.place.job) partition.waiting.clear();
  }
  if (kind == proto::FailureKind::kNoSpace) make_room();
}

void Homes::claim(const Place& place) {
  const auto known = partitions_.find(place);
  if (known == partitions_.end()) return;
  known->second.claimed = true;
  known->second.waiting.clear();
}

void Homes::unclaim(const Place& place) {
  const auto known = partitions_.find(place);
  if (known == partitions_.end()) return;
  known->second.claimed = false;
  if (known->second.released) drop(place);
}

void Homes::release(const Place& place) {
  const auto known = partitions_.find(place);
  if (known == partitions_.end()) return;
  known->second.released = true;
  if (!known->second.claimed) drop(place);
}

Homes::Where Homes::look(const Place& place, AttemptId attempt, LocalSegment* segment) const {
  const auto known = partitions_.find(place);
  if (known == partitions_.end()) return Where::kElsewhere;
  const Partition& partition = known->second;
  if (partition.coming.count(attempt) > 0) return Where::kComing;
  const auto here = partition.here.find(attempt);
  if (here == partition.here.end()) return Where::kElsewhere;
  if (here->second.path.empty()) return Where::kEmpty;
  *segment = here->second;
  return Where::kHere;
}

void Homes::forget(const Place& place, AttemptId attempt) {
  const auto known = partitions_.find(place);
  if (known == partitions_.end()) return;
  const auto here = known->second.here.find(attempt);
  if (here == known->second.here.end()) return;
  figures_.bytes_held -= here->second.segment.stored_bytes;
  known->second.here.erase(here);
}

void Homes::drop(const Place& place) {
  const auto known = partitions_.find(place);
  if (known == partitions_.end()) return;
  for (const std::string& file : known->second.files) {
    static_cast<void>(files_.remove_file(file));
  }
  forget(known);
}

void Homes::forget(std::map<Place, Partition>::iterator known) {
  for (auto& [request, batch] : batches_) {
    if (batch.dropped || batch.place != known->first) continue;
    batch.dropped = true;
    fetcher_.cancel(request);
  }
  for (const auto& [attempt, segment] : known->second.here) {
    figures_.bytes_held -= segment.segment.stored_bytes;
  }
  partitions_.erase(known);
  at_rest_ = false;
}

void Homes::drop(JobId job) {
  for (auto one = partitions_.lower_bound({job, 0});
       one != partitions_.end() && one->first.job == job;) {
    forget(one++);
  }
  jobs_.erase(job);
}

void Homes::make_room() {
  std::vector<Place> places;
  for (const auto& [place, partition] : partitions_) {
    if (!partition.claimed) places.push_back(place);
  }
  for (const Place& place : places) drop(place);
}

}  // namespace fanfold::worker
