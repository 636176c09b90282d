// I14: only a job that tolerates them does without bad records.  Every commit of a map counts those
// of its split, no more and no less; an output has a dead letter for each, once, or none when they
// are skipped; and no job with more than it may have is published.

#include <set>
#include <variant>

#include "common/io/dead_letter.hpp"
#include "common/io/manifest.hpp"
#include "master/scheduler/bad_records.hpp"
#include "sim/check/invariants.hpp"
#include "sim/check/plans.hpp"
#include "sim/doors/disk_view.hpp"

namespace fanfold::sim {
namespace {

using master::scheduling::too_large_a_share;
using master::scheduling::too_many;

class BadRecordChecker final : public PlanChecker {
 public:
  using PlanChecker::PlanChecker;

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    const auto* committed = std::get_if<master::AttemptCommitted>(&fact);
    if (committed == nullptr || committed->task.stage != Stage::kMap) return;
    const JobPlan* plan = plan_of(committed->task.job);
    if (plan == nullptr) return;
    const std::uint64_t expected = poison_in(*plan, committed->task.index);
    if (!plan->spec.bad_records.tolerant() && committed->bad_records > 0) {
      violate("I14", text_of(committed->task) + " did without records, and may not");
    }
    if (committed->bad_records != expected) {
      violate("I14", text_of(committed->task) + " did without " +
                         std::to_string(committed->bad_records) + " records, of " +
                         std::to_string(expected) + " bad ones");
    }
  }

  void end() override {
    for (const auto& client : scene().cluster->clients()) {
      if (client->end() && is_published(client->end()->state)) check(*client);
    }
  }

 private:
  std::uint64_t poison_in(const JobPlan& plan, std::uint32_t split) {
    std::uint64_t count = 0;
    for (const auto& [number, harm] : plan.poison) count += split_of(plan, number) == split;
    return count;
  }

  void check(const ClientNode& client) {
    const JobPlan& plan = client.plan();
    const ModelJob* job = facts().find(client.end()->job);
    if (job == nullptr) return;
    std::set<std::uint64_t> bad;
    for (const auto& [number, harm] : plan.poison) {
      const bool covered =
          !job->decided || job->covers(static_cast<std::uint32_t>(split_of(plan, number)));
      if (covered) bad.insert(number);
    }
    const bool letters = plan.spec.bad_records.what == proto::OnBadRecord::kDeadLetter;
    check_letters(plan, letters ? bad : std::set<std::uint64_t>());
    const proto::JobStatus& status = *client.end();
    const std::uint64_t counted = letters ? status.dead_letters : status.records_skipped;
    if (counted != bad.size() || status.dead_letters + status.records_skipped != counted) {
      violate("I14", plan.spec.job_name + " says that it did without " + std::to_string(counted) +
                         " records, of " + std::to_string(bad.size()) + " bad ones");
    }
    std::uint64_t read = 0;
    for (const proto::StageStatus& stage : status.stages) {
      if (stage.stage == Stage::kMap) read = stage.records_in;
    }
    const proto::BadRecordPolicy& policy = plan.spec.bad_records;
    if (too_many(policy, bad.size()) || too_large_a_share(policy, bad.size(), read)) {
      violate("I14", plan.spec.job_name + " has " + std::to_string(bad.size()) +
                         " bad records of " + std::to_string(read) +
                         ", more than it may, and was published");
    }
  }

  void check_letters(const JobPlan& plan, const std::set<std::uint64_t>& wanted) {
    std::multiset<std::uint64_t> found;
    const std::string path = plan.spec.output + "/" + io::kDeadLettersName;
    if (const Disks::Entry* file = scene().cluster->disks().find(path)) {
      std::string_view rest = file->file->bytes;
      while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
        const auto letter = io::parse_dead_letter(rest.substr(0, end));
        if (!letter.ok()) return violate("I14", path + ": " + letter.status().message());
        found.insert(number_at(letter->file, letter->offset));
        rest.remove_prefix(end + 1);
      }
    }
    if (std::equal(found.begin(), found.end(), wanted.begin(), wanted.end())) return;
    violate("I14", plan.spec.job_name + " has " + std::to_string(found.size()) +
                       " dead letters, and should have " + std::to_string(wanted.size()) +
                       (found.size() == wanted.size() ? " others" : ""));
  }
};

}  // namespace

std::unique_ptr<Checker> check_bad_records(Scene& scene) {
  return std::make_unique<BadRecordChecker>(scene);
}

}  // namespace fanfold::sim
