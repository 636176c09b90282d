// I2: the output of a job that succeeded holds each record of its input exactly once.
// I18: the counts that the job reports agree with it.
// I32: where it was gathered into one file, that is in order.

#include <algorithm>
#include <utility>

#include "common/io/dead_letter.hpp"
#include "common/io/manifest.hpp"
#include "common/proto/gather.hpp"
#include "fanfold/hash.hpp"
#include "sim/check/invariants.hpp"
#include "sim/doors/task_work.hpp"
#include "sim/world/draws.hpp"

namespace fanfold::sim {
namespace {

class Records final : public Checker {
 public:
  using Checker::Checker;

  void end() override {
    for (const auto& client : scene().cluster->clients()) {
      // What was fed is in whatever order it came: feeding.cpp.
      if (client->plan().spec.open) continue;
      if (client->end() && is_published(client->end()->state)) check(*client);
    }
  }

 private:
  /// One file: of parts in their order, or merged or folded by number.
  void check_order(const JobPlan& plan, const std::vector<std::uint64_t>& found) {
    const proto::GatherPolicy& gather = plan.spec.gather;
    const std::uint32_t partitions = plan.spec.partitions;
    if (proto::GatherTree(partitions, gather.arity).tasks() == 0) return;
    // Where a broken mapper sends a number is nobody's to know.
    const bool joined = gather.how == abi::Gather::kConcat;
    if (joined && scene().cluster->config().nondeterministic != 0) return;
    const auto place = [&](std::uint64_t number) {
      return std::pair(joined ? partition_of(scramble(number), partitions) : 0, number);
    };
    const auto before = [&](std::uint64_t a, std::uint64_t b) { return place(a) < place(b); };
    if (std::is_sorted(found.begin(), found.end(), before)) return;
    violate("I32", plan.spec.job_name + " was gathered in another order than that of its " +
                       (joined ? "partitions" : "keys"));
  }

  /// Each split holds as many records as the last one at most, in order.
  std::vector<std::uint64_t> covered_numbers(const ClientNode& client) {
    const std::vector<std::uint64_t>& all = client.plan().numbers;
    const ModelJob* job = facts().find(client.end()->job);
    const std::uint64_t each = scene().cluster->config().records;
    if (job == nullptr || !job->decided || each == 0) return all;
    std::vector<std::uint64_t> covered;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (job->covers(static_cast<std::uint32_t>(i / each))) covered.push_back(all[i]);
    }
    return covered;
  }

  void check(const ClientNode& client) {
    const JobPlan& plan = client.plan();
    std::vector<std::uint64_t> found;
    Disks& disks = scene().cluster->disks();
    for (const std::string& path : disks.below(plan.spec.output)) {
      const Disks::Entry* entry = disks.find(path);
      if (entry->directory || path.ends_with(io::kManifestName) ||
          path.ends_with(io::kPartialManifestName) || path.ends_with(io::kDeadLettersName)) {
        continue;
      }
      const std::vector<std::uint64_t> some = numbers_in(entry->file->bytes);
      found.insert(found.end(), some.begin(), some.end());
    }
    check_order(plan, found);
    std::sort(found.begin(), found.end());
    std::vector<std::uint64_t> wanted = covered_numbers(client);
    const std::size_t read = wanted.size();
    std::erase_if(wanted, [&plan](std::uint64_t number) { return plan.poison.contains(number); });
    if (found != wanted) {
      violate("I2", plan.spec.job_name + " has " + std::to_string(found.size()) +
                        " records in its output, and should have " + std::to_string(wanted.size()) +
                        (found.size() == wanted.size() ? ", and others" : ""));
    }
    for (const proto::StageStatus& stage : client.end()->stages) {
      if (stage.stage == Stage::kSample) continue;
      const proto::GatherTree tree(plan.spec.partitions, plan.spec.gather.arity);
      std::size_t right = stage.stage == Stage::kMap ? read : wanted.size();
      // Every level of the tree reads all of them.
      if (stage.stage == Stage::kGather) right *= tree.levels();
      if (stage.records_in != right) {
        violate("I18", plan.spec.job_name + " counted " + std::to_string(stage.records_in) +
                           " records into a stage, of " + std::to_string(right));
      }
    }
  }
};

}  // namespace

std::unique_ptr<Checker> check_records(Scene& scene) { return std::make_unique<Records>(scene); }

}  // namespace fanfold::sim
