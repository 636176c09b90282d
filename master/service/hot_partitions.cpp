// What a job is told of its hot partitions, and what the tasks that share one are told.

#include <algorithm>
#include <string>

#include "common/core/check.hpp"
#include "common/text/units.hpp"
#include "master/service/job_record.hpp"

namespace fanfold::master {
namespace {

constexpr std::size_t kKeyColumns = 40;

/// Of the whole, in words.
std::string portion(std::uint64_t part, std::uint64_t whole) {
  const auto per_cent = static_cast<std::uint64_t>(
      100.0 * static_cast<double>(part) / static_cast<double>(std::max<std::uint64_t>(whole, 1)));
  return std::to_string(std::min<std::uint64_t>(per_cent, 100)) + " %";
}

}  // namespace

std::vector<std::string> JobRecord::note_weighed(const PartitionsWeighed& fact) {
  shares_ = proto::Shares(message_.assignment.partitions, fact.heavy, fact.ends);
  commits_[slot_of(Stage::kReduce)].resize(message_.assignment.partitions + shares_.tasks());
  std::vector<std::string> notes;
  for (const proto::HeavyPartition& one : fact.heavy) {
    if (one.hot) notes.push_back(describe(one, fact.workers_older));
  }
  notes_.insert(notes_.end(), notes.begin(), notes.end());
  return notes;
}

std::string JobRecord::describe(const proto::HeavyPartition& one, bool workers_older) const {
  std::string text = "partition " + std::to_string(one.partition) +
                     " is hot: " + format_bytes(one.bytes) + " of map outputs, " +
                     portion(one.bytes, totals_[slot_of(Stage::kMap)].bytes_out) + " of all";
  if (one.shares > 0) {
    return text + "; " + std::to_string(one.shares) +
           " tasks fold it with combine() before its reduce";
  }
  const proto::Emission emission = emission_.total();
  const auto key =
      std::find_if(emission.hot_keys.begin(), emission.hot_keys.end(),
                   [&](const proto::HotKey& hot) { return hot.partition == one.partition; });
  if (key != emission.hot_keys.end()) {
    text += ", and " + format_bytes(key->bytes) + " were emitted for its key " +
            fit(printable(key->key, false), kKeyColumns);
  }
  return text + "; one reduce does all of it, and begins first" + why_not_shared(workers_older);
}

std::string JobRecord::why_not_shared(bool workers_older) const {
  if (spec().gather.how == abi::Gather::kReduce) {
    return ": what --gather reduce gives it is folded already";
  }
  if (!spec().fold_hot) {
    return ". A combine() would let several share it, unless values are sorted; else spread the "
           "key, or use more reducers if it is many keys";
  }
  if (spec().replicas.replicated()) return ": where results are compared nothing is shared";
  if (workers_older) return ": a worker of the version before is there, which could not share it";
  return ": with the slots that the job has, sharing it would not end it sooner";
}

proto::AttemptReport JobRecord::as_counted(const TaskId& task, proto::AttemptReport report) const {
  if (task.stage != Stage::kReduce) return report;
  if (shares_.share(task.index).is_share()) {
    report.records_out = 0;
    report.bytes_out = 0;
  } else if (shares_.find(task.index) != nullptr) {
    report.records_in = 0;
    report.bytes_in = 0;
  }
  return report;
}

/// What its shares have left.  One that had nothing to fold left nothing.
std::vector<proto::GatherInput> JobRecord::shared_inputs(std::uint32_t partition) const {
  std::vector<proto::GatherInput> inputs;
  const proto::Shares::Folded* folded = shares_.find(partition);
  if (folded == nullptr) return inputs;
  const std::vector<Commit>& commits = commits_[slot_of(Stage::kReduce)];
  for (std::uint32_t task = folded->begin; task < folded->end; ++task) {
    FANFOLD_CHECK(commits[task].attempt != AttemptId{});
    const io::PartInfo* file = proto::gathered_file(commits[task].report.files);
    if (file != nullptr) inputs.push_back({commits[task].attempt, *file});
  }
  return inputs;
}

std::uint64_t JobRecord::pairs_folded() const {
  std::uint64_t pairs = 0;
  const std::vector<Commit>& commits = commits_[slot_of(Stage::kReduce)];
  for (const proto::Shares::Folded& folded : shares_.folded()) {
    for (std::uint32_t task = folded.begin; task < folded.end; ++task) {
      pairs += commits[task].report.flow.records;
    }
    for (const proto::GatherInput& input : shared_inputs(folded.partition)) {
      pairs -= input.file.records;
    }
  }
  return pairs;
}

}  // namespace fanfold::master
