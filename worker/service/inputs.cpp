#include "worker/service/inputs.hpp"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <utility>

#include "common/core/fault_point.hpp"

namespace fanfold::worker {

std::string own_host_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  char name[PATH_MAX] = {};
  const ssize_t length = ::readlink("/proc/self/ns/mnt", name, sizeof name);
  if (length > 0) id += "/" + std::string(name, static_cast<std::size_t>(length));
  return id;
}

bool Inputs::is_local(const Share& share, const proto::Holder& holder) const {
  const bool all_over_network = share.assignment.spec.shuffle == proto::ShufflePath::kNetwork;
  return !all_over_network && !holder.host_id.empty() && holder.host_id == host_id_;
}

void Inputs::bring(const FetchInputs& wanted) {
  Share& share = shares_[wanted.assignment.attempt];
  share.assignment = wanted.assignment;
  share.all = common_segments(share, wanted.list);
  if (share.all != nullptr) return announce_if_complete(share);
  const Homes::Place place = place_of(share);
  homes_.claim(place);
  std::vector<proto::MapOutput> now;
  for (const proto::MapOutput& output : wanted.list->outputs) {
    if (!share.assignment.share.reads(output.split)) continue;
    LocalSegment unused;
    const bool coming = homes_.look(place, output.attempt, &unused) == Homes::Where::kComing;
    (coming ? share.coming : now).push_back(output);
  }
  share.coming_list = wanted.list;
  bring(share, wanted.list, now);
}

Homes::Place Inputs::place_of(const Share& share) {
  return {share.assignment.task.job, share.assignment.partition()};
}

LocalSegment Inputs::local(JobId job, const proto::OutputList& list,
                           const proto::MapOutput& output) const {
  LocalSegment segment;
  segment.output = output;
  segment.path = map_output_path(list.holders[output.holder].scratch, job, output.attempt);
  return segment;
}

SegmentList Inputs::common_segments(const Share& share,
                                    const std::shared_ptr<const proto::OutputList>& list) {
  if (share.assignment.share.is_share()) return nullptr;
  const bool all_local =
      std::all_of(list->outputs.begin(), list->outputs.end(), [&](const proto::MapOutput& output) {
        return is_local(share, list->holders[output.holder]);
      });
  if (!all_local) return nullptr;
  const JobId job = share.assignment.task.job;
  Common& common = common_[job];
  if (common.list.lock() == list) return common.segments;
  std::vector<LocalSegment> segments;
  segments.reserve(list->outputs.size());
  for (const proto::MapOutput& output : list->outputs) {
    segments.push_back(local(job, *list, output));
  }
  common = {list, make_segment_list(std::move(segments))};
  return common.segments;
}

void Inputs::bring(Share& share, const std::shared_ptr<const proto::OutputList>& list,
                   const std::vector<proto::MapOutput>& outputs) {
  const proto::TaskAssignment& assignment = share.assignment;
  const JobId job = assignment.task.job;
  std::vector<proto::MapOutput> remote;
  for (const proto::MapOutput& output : outputs) {
    if (!assignment.share.reads(output.split)) continue;
    const proto::Holder& holder = list->holders[output.holder];
    if (is_local(share, holder)) {
      share.segments.push_back(local(job, *list, output));
      continue;
    }
    LocalSegment segment;
    const Homes::Where where = homes_.look(place_of(share), output.attempt, &segment);
    if (where == Homes::Where::kHere) {
      segment.output = output;
      share.segments.push_back(std::move(segment));
      share.early.insert(output.attempt);
    } else if (where != Homes::Where::kEmpty) {
      remote.push_back(output);
    }
  }
  if (!remote.empty()) {
    FetchRequest request;
    request.attempt = assignment.attempt;
    request.round = share.rounds++;
    request.job = job;
    request.partition = assignment.partition();
    // Thousands of names, which belong to the list.
    request.holders = {list, &list->holders};
    request.outputs = std::move(remote);
    request.directory =
        scratch_.attempt_directory(job, assignment.attempt) + "/" + kFetchedDirectory;
    const Status accepted = strikes(FaultPoint::kFetchRefused)
                                ? Status(StatusCode::kExhausted, "refused by a fault point")
                                : fetcher_.fetch(std::move(request));
    if (accepted.ok()) {
      ++share.fetching;
      ++fetching_;
    } else {
      proto::FailureReport failure;
      failure.kind = proto::FailureKind::kFetch;
      failure.message = accepted.message();
      return fail(share, std::move(failure));
    }
  }
  announce_if_complete(share);
}

void Inputs::replace(const ReplaceInputs& replacement) {
  const auto known = shares_.find(replacement.attempt);
  if (known == shares_.end()) return;
  Share& share = known->second;
  if (share.all != nullptr) share.segments = *std::exchange(share.all, nullptr);
  std::set<std::uint32_t> splits;
  for (const proto::MapOutput& output : replacement.outputs) splits.insert(output.split);
  std::erase_if(share.segments, [&splits](const LocalSegment& segment) {
    return splits.count(segment.output.split) > 0;
  });
  for (const std::uint32_t split : splits) share.awaited.erase(split);
  bring(share, replacement.list, replacement.outputs);
}

void Inputs::note_lost(AttemptId attempt, const std::vector<proto::MapOutput>& lost) {
  const auto known = shares_.find(attempt);
  if (known == shares_.end()) return;
  known->second.announced = false;
  for (const proto::MapOutput& output : lost) {
    known->second.awaited.insert(output.split);
    homes_.forget(place_of(known->second), output.attempt);
  }
}

proto::FetchedBytes Inputs::finish(AttemptId attempt) {
  proto::FetchedBytes bytes;
  const auto known = shares_.find(attempt);
  if (known == shares_.end()) return bytes;
  const Share& share = known->second;
  for (const LocalSegment& segment : share.segments) {
    if (!segment.fetched) continue;
    const bool early = share.early.count(segment.output.attempt) > 0;
    (early ? bytes.early : bytes.late) += segment.segment.stored_bytes;
  }
  // Others may read other splits of it.
  if (!share.assignment.share.is_share()) homes_.release(place_of(share));
  return bytes;
}

bool Inputs::is_last_of(const Homes::Place& place) const {
  return std::count_if(shares_.begin(), shares_.end(),
                       [&](const auto& entry) { return place_of(entry.second) == place; }) == 1;
}

void Inputs::forget(AttemptId attempt) {
  const auto known = shares_.find(attempt);
  if (known == shares_.end()) return;
  if (known->second.fetching > 0) fetcher_.cancel(attempt);
  const Homes::Place place = place_of(known->second);
  if (is_last_of(place)) homes_.unclaim(place);
  shares_.erase(known);
  const auto is_of_it = [attempt](const auto& one) { return one.attempt == attempt; };
  std::erase_if(ready_, is_of_it);
  std::erase_if(missing_, is_of_it);
}

void Inputs::forget(JobId job) {
  common_.erase(job);
  homes_.drop(job);
}

void Inputs::look() {
  for (FetchOutcome& outcome : fetcher_.take()) {
    if (!Homes::is_early(outcome.attempt)) {
      note(std::move(outcome));
    } else if (const auto news = homes_.note(std::move(outcome))) {
      note_early(*news);
    }
  }
}

void Inputs::bring_early(const BringEarly& action) {
  std::set<std::uint32_t> fetched;
  for (const auto& [attempt, share] : shares_) {
    const Homes::Place place = place_of(share);
    if (place.job == action.job) fetched.insert(place.partition);
  }
  std::vector<std::uint32_t> partitions = action.partitions;
  std::erase_if(partitions, [&](std::uint32_t one) { return fetched.count(one) > 0; });
  homes_.tell({action.job, std::move(partitions), action.over_network, action.segment_bytes_max,
               action.list});
}

void Inputs::drop_early(const DropEarly& action) {
  for (const std::uint32_t partition : action.partitions) homes_.release({action.job, partition});
}

void Inputs::go_on_early() {
  if (homes_.at_rest() || fetching_ > 0) return;
  const bool waits = std::any_of(shares_.begin(), shares_.end(),
                                 [](const auto& entry) { return entry.second.waits(); });
  if (!waits) homes_.go_on();
}

void Inputs::note_early(const Homes::News& news) {
  for (auto& [attempt, share] : shares_) {
    if (share.announced || share.coming.empty() || place_of(share) != news.place) continue;
    lose_coming(share, news);
    if (news.ended) bring(share, share.coming_list, std::exchange(share.coming, {}));
  }
}

void Inputs::lose_coming(Share& share, const Homes::News& news) {
  InputsMissing missing{share.assignment.attempt, {}, news.why_lost};
  std::erase_if(share.coming, [&](const proto::MapOutput& output) {
    if (std::count(news.lost.begin(), news.lost.end(), output.attempt) == 0) return false;
    missing.outputs.push_back(output);
    share.awaited.insert(output.split);
    return true;
  });
  if (!missing.outputs.empty()) missing_.push_back(std::move(missing));
}

void Inputs::note(FetchOutcome outcome) {
  if (outcome.ended) --fetching_;
  if (outcome.failure.kind == proto::FailureKind::kNoSpace) homes_.make_room();
  const auto known = shares_.find(outcome.attempt);
  if (known == shares_.end()) return;  // Cancelled.
  Share& share = known->second;
  if (outcome.ended) --share.fetching;
  if (share.announced) return;  // It failed, and this is what went on beside that.
  if (outcome.ended && !outcome.succeeded) return fail(share, std::move(outcome.failure));
  if (!outcome.lost.empty()) {
    for (const proto::MapOutput& output : outcome.lost) share.awaited.insert(output.split);
    missing_.push_back({outcome.attempt, std::move(outcome.lost), std::move(outcome.why_lost)});
  }
  if (!outcome.ended) return;
  for (LocalSegment& segment : outcome.segments) share.segments.push_back(std::move(segment));
  announce_if_complete(share);
}

void Inputs::fail(Share& share, proto::FailureReport failure) {
  share.announced = true;
  ready_.push_back({share.assignment.attempt, false, std::move(failure)});
}

void Inputs::announce_if_complete(Share& share) {
  if (share.announced || share.fetching > 0 || !share.awaited.empty() || !share.coming.empty()) {
    return;
  }
  share.announced = true;
  // The order of values is the order of splits.
  std::stable_sort(
      share.segments.begin(), share.segments.end(),
      [](const LocalSegment& a, const LocalSegment& b) { return a.output.split < b.output.split; });
  InputsReady ready;
  ready.attempt = share.assignment.attempt;
  ready.succeeded = true;
  ready_.push_back(std::move(ready));
}

SegmentList Inputs::segments(AttemptId attempt) const {
  const auto known = shares_.find(attempt);
  if (known == shares_.end()) return nullptr;
  const Share& share = known->second;
  return share.all != nullptr ? share.all : make_segment_list(share.segments);
}

}  // namespace fanfold::worker
