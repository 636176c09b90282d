// I3: reduces are sent to read what is committed at that moment, all of it, and nothing else.
// I4: reduces of a job that succeeded read the same attempt of a map, or attempts that agree.
// L3: nobody is sent to a worker that was given up.

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "common/proto/output_list.hpp"
#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Reads final : public Checker {
 public:
  using Checker::Checker;

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    if (const auto* page = std::get_if<proto::ListPage>(&message)) {
      note_page(*page);
      return;
    }
    const auto* assign = std::get_if<proto::Assign>(&message);
    if (assign == nullptr || assign->assignment.task.stage != Stage::kReduce) return;
    const proto::TaskAssignment& assignment = assign->assignment;
    const List& list = lists_[assignment.task.job];
    const ModelJob* job = facts().find(assignment.task.job);
    // What it reads is another checker's.
    if (job != nullptr && job->shares.find(assignment.task.index) != nullptr) return;
    if (assignment.list_version == 0) return check_list(assignment.task.job, {});
    if (assignment.list_version < list.version) {
      violate("I3", text_of(assignment.task) + " is to read an old list");
    }
    // It was told to a connection that is gone: the worker asks for it.
    if (assignment.list_version == list.version) check_list(assignment.task.job, list.pages);
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* lost = std::get_if<master::MapOutputInvalidated>(&fact)) {
      lost_now_.insert(lost->attempt);
    } else if (const auto* gone = std::get_if<master::WorkerGone>(&fact)) {
      gone_now_.insert(gone->worker);
    }
  }
  void step() override {
    lost_now_.clear();
    gone_now_.clear();
  }

  void output_written(AttemptId writer, std::uint32_t partition, std::uint64_t content) override {
    written_[writer][partition] = content;
  }
  void output_read(AttemptId reader, const proto::MapOutput& output,
                   std::uint64_t /*content*/) override {
    read_[reader][output.split] = output.attempt;
  }

  void end() override {
    for (const auto& [id, job] : facts().jobs) {
      if (!job.ended || !is_published(job.ended->state)) continue;
      // Without a broken mapper all attempts of a map agree.
      if (scene().cluster->config().nondeterministic != 0) check_cut(id, job);
    }
  }

 private:
  using Pages = std::map<std::uint32_t, std::string>;
  struct List {
    std::uint64_t version = 0;
    Pages pages;
  };

  void note_page(const proto::ListPage& page) {
    List& list = lists_[page.job];
    if (page.version < list.version) violate("I3", text_of(page.job) + ": an old list is told");
    if (page.version > list.version) list = {page.version, {}};
    const auto [known, fresh] = list.pages.emplace(page.page, page.packed);
    if (!fresh && known->second != page.packed) {
      violate("I3", text_of(page.job) + ": two lists of one version");
    }
    if (list.pages.size() == page.pages) check_list(page.job, list.pages);
  }

  void check_list(JobId id, const Pages& pages) {
    proto::OutputUnpacker unpacker;
    for (const auto& [number, packed] : pages) {
      if (!unpacker.add(packed).ok()) violate("I3", text_of(id) + ": a list that is damaged");
    }
    const proto::OutputList list = unpacker.take();
    std::set<std::uint32_t> listed;
    for (const proto::MapOutput& output : list.outputs) {
      listed.insert(output.split);
      check_output(id, output, list.holders.at(output.holder).worker);
    }
    const ModelJob* job = facts().find(id);
    if (job == nullptr) return;
    for (const auto& [task, state] : job->tasks) {
      if (task.stage != Stage::kMap || state.output_empty || state.committed == AttemptId{})
        continue;
      if (listed.count(task.index) == 0) {
        violate("I3", text_of(id) + ": reduces are not told of map " + std::to_string(task.index));
      }
    }
    if (lost_now_.empty() && job->committed(Stage::kMap) != job->maps_to_read()) {
      violate("I3", text_of(id) + ": reduces are to read before all maps have committed");
    }
  }

  void check_output(JobId id, const proto::MapOutput& output, WorkerId holder) {
    const ModelTask* map = facts().find({id, Stage::kMap, output.split});
    if (lost_now_.count(output.attempt) > 0) return;
    const std::string what =
        text_of(id) + ": " + text_of(output.attempt) + " of map " + std::to_string(output.split);
    if (map == nullptr || map->committed != output.attempt) {
      violate("I3", what + " is to be read, and is not committed");
    } else if (holder != map->holder) {
      violate("I3", what + " is to be read from the wrong worker");
    }
    if (facts().gone.count(holder) > 0 && gone_now_.count(holder) == 0) {
      violate("L3", what + " is to be read from a worker that was given up");
    }
  }

  void check_cut(JobId id, const ModelJob& job) {
    std::map<std::uint32_t, AttemptId> used;
    for (const auto& [task, state] : job.tasks) {
      if (task.stage != Stage::kReduce) continue;
      for (const auto& [split, attempt] : read_[state.committed]) {
        const auto [known, fresh] = used.emplace(split, attempt);
        if (!fresh && written_[known->second] != written_[attempt]) {
          violate("I4", text_of(id) + " succeeded, and its reduces read " + text_of(known->second) +
                            " and " + text_of(attempt) + " of map " + std::to_string(split));
        }
      }
    }
  }

  std::map<JobId, List> lists_;                                          // The newest told.
  std::map<AttemptId, std::map<std::uint32_t, AttemptId>> read_;         // Of which split which.
  std::map<AttemptId, std::map<std::uint32_t, std::uint64_t>> written_;  // By partition.
  /// In this step, maybe after the message was decided: all facts of a turn come before its
  /// messages.
  std::set<AttemptId> lost_now_;
  std::set<WorkerId> gone_now_;
};

}  // namespace

std::unique_ptr<Checker> check_reads(Scene& scene) { return std::make_unique<Reads>(scene); }

}  // namespace fanfold::sim
