// I19: what a reduce read of a map output is what that map had written, whatever became of the file
// or of the frames that carried it.

#include <map>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Contents final : public Checker {
 public:
  using Checker::Checker;

  void attempt_started(std::uint32_t /*process*/,
                       const proto::TaskAssignment& assignment) override {
    if (assignment.task.stage == Stage::kReduce) {
      partitions_[assignment.attempt] = assignment.partition();
    }
  }

  void output_written(AttemptId writer, std::uint32_t partition, std::uint64_t content) override {
    written_[{writer, partition}] = content;
  }

  void output_read(AttemptId reader, const proto::MapOutput& output,
                   std::uint64_t content) override {
    const auto written = written_.find({output.attempt, partitions_[reader]});
    if (written == written_.end() || written->second != content) {
      violate("I19", text_of(reader) + " read of map " + std::to_string(output.split) + " what " +
                         text_of(output.attempt) + " had not written");
    }
  }

 private:
  std::map<AttemptId, std::uint32_t> partitions_;  // Of reduces.
  std::map<std::pair<AttemptId, std::uint32_t>, std::uint64_t> written_;
};

}  // namespace

std::unique_ptr<Checker> check_contents(Scene& scene) { return std::make_unique<Contents>(scene); }

}  // namespace fanfold::sim
