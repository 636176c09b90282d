#include "worker/service/inputs.hpp"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace fanfold::worker {

std::string own_host_id() {
  std::string id;
  std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id);
  char name[PATH_MAX] = {};
  const ssize_t length = ::readlink("/proc/self/ns/mnt", name, sizeof name);
  if (length > 0) id += "/" + std::string(name, static_cast<std::size_t>(length));
  return id;
}

void Inputs::bring(const proto::TaskAssignment& assignment) {
  const bool all_over_network = assignment.spec.shuffle == proto::ShufflePath::kNetwork;
  const auto is_local = [&](const proto::Holder& holder) {
    return !all_over_network && !holder.host_id.empty() && holder.host_id == host_id_;
  };
  std::vector<LocalSegment>& segments = segments_[assignment.attempt];
  for (const proto::MapOutput& output : assignment.outputs) {
    const proto::Holder& holder = assignment.holders[output.holder];
    if (!is_local(holder)) continue;
    LocalSegment segment;
    segment.output = output;
    segment.path = map_output_path(holder.scratch, assignment.task.job, output.attempt);
    segments.push_back(std::move(segment));
  }
  InputsReady ready;
  ready.attempt = assignment.attempt;
  ready.succeeded = true;
  if (segments.size() < assignment.outputs.size()) {
    const Status accepted = fetcher_.fetch(make_fetch_request(
        assignment, is_local, scratch_.attempt_directory(assignment.task.job, assignment.attempt)));
    if (accepted.ok()) return;
    segments_.erase(assignment.attempt);
    ready.succeeded = false;
    ready.failure.kind = proto::FailureKind::kFetch;
    ready.failure.message = accepted.message();
  }
  ready_.push_back(std::move(ready));
}

void Inputs::cancel(AttemptId attempt) {
  if (segments_.erase(attempt) == 0) return;
  fetcher_.cancel(attempt);
  std::erase_if(ready_, [attempt](const InputsReady& one) { return one.attempt == attempt; });
}

std::vector<InputsReady> Inputs::take_ready() {
  std::vector<InputsReady> ready = std::exchange(ready_, {});
  for (FetchOutcome& outcome : fetcher_.take()) {
    const auto known = segments_.find(outcome.attempt);
    if (known == segments_.end()) continue;  // Cancelled.
    if (outcome.succeeded) {
      std::vector<LocalSegment>& segments = known->second;
      for (LocalSegment& segment : outcome.segments) segments.push_back(std::move(segment));
      // The order of values is the order of splits.
      std::stable_sort(segments.begin(), segments.end(),
                       [](const LocalSegment& a, const LocalSegment& b) {
                         return a.output.split < b.output.split;
                       });
    } else {
      segments_.erase(known);
    }
    ready.push_back({outcome.attempt, outcome.succeeded, std::move(outcome.failure)});
  }
  return ready;
}

std::vector<LocalSegment> Inputs::take_segments(AttemptId attempt) {
  const auto known = segments_.find(attempt);
  if (known == segments_.end()) return {};
  std::vector<LocalSegment> segments = std::move(known->second);
  segments_.erase(known);
  return segments;
}

}  // namespace fanfold::worker
