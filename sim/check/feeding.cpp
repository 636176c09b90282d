// I33: a batch that a feeder was told the job has is durable by then, is in the output of a job
// that covers all of its input exactly once, and never in any output twice; whatever a job that
// ended otherwise does not have in its output is kept in a file.  A batch that nobody was told of
// is in an output once or not at all.  Nobody is refused a batch that continues what the job has of
// him, as long as the job takes input.

#include <algorithm>
#include <map>
#include <set>

#include "common/io/manifest.hpp"
#include "sim/check/invariants.hpp"
#include "sim/doors/disk_view.hpp"
#include "sim/doors/task_work.hpp"

namespace fanfold::sim {
namespace {

class Feeding final : public Checker {
 public:
  using Checker::Checker;

  void client_is_told(const proto::ClientReply& reply) override {
    const auto* told = std::get_if<proto::FeedReply>(&reply);
    if (told == nullptr || static_cast<StatusCode>(told->code) != StatusCode::kOk) return;
    const ModelJob* job = facts().find(told->job);
    if (told->close) {
      if (job == nullptr || (job->submitted.open && !job->ended)) {
        violate("I33", text_of(told->job) + " is not closed, and somebody was told so");
      }
      return;
    }
    std::map<std::string, std::uint64_t>& taken = taken_[told->job];
    taken[told->feeder] = std::max(taken[told->feeder], told->offset + told->size);
    std::uint64_t bytes = 0;
    for (const auto& [feeder, one] : taken) bytes += one;
    if (job == nullptr || bytes > job->fed_bytes) {
      violate("I33",
              text_of(told->job) + " has " + std::to_string(job == nullptr ? 0 : job->fed_bytes) +
                  " bytes by its facts, and its feeders were told of " + std::to_string(bytes));
    }
  }

  void end() override {
    for (const auto& client : scene().cluster->clients()) {
      if (client->plan().spec.open && client->end()) check(*client);
    }
  }

 private:
  void check(const ClientNode& client) {
    const proto::JobState state = client.end()->state;
    const std::string& name = client.plan().spec.job_name;
    const std::map<std::uint64_t, int> found = numbers_below(client.plan().spec.output);
    for (const auto& [number, times] : found) {
      if (times > 1) {
        return violate("I33", name + " has " + std::to_string(number) + " " +
                                  std::to_string(times) + " times in its output");
      }
    }
    if (is_published(state) && client.feed_refusal()) {
      violate("I33", name + " took no more, and ended well: " + *client.feed_refusal());
    }
    if (state == proto::JobState::kSucceeded) return check_whole(client, found);
    std::map<std::uint64_t, int> kept;
    for (const std::string& sibling : scene().cluster->disks().children("/shared/out")) {
      if (!sibling.starts_with("." + name + ".") || !sibling.ends_with("-fed")) continue;
      kept = numbers_below("/shared/out/" + sibling);
    }
    for (const std::uint64_t number : client.acknowledged()) {
      if (found.contains(number) || kept.contains(number)) continue;
      return violate("I33", name + " was fed " + std::to_string(number) +
                                ", which is neither in its output nor kept");
    }
  }

  void check_whole(const ClientNode& client, const std::map<std::uint64_t, int>& found) {
    for (const std::uint64_t number : client.plan().numbers) {
      if (found.contains(number) || client.uncertain().contains(number)) continue;
      return violate("I33", client.plan().spec.job_name + " succeeded without " +
                                std::to_string(number) + ", which it had");
    }
  }

  /// How often each is in the files of a directory.
  std::map<std::uint64_t, int> numbers_below(const std::string& directory) {
    std::map<std::uint64_t, int> found;
    Disks& disks = scene().cluster->disks();
    for (const std::string& path : disks.below(directory)) {
      const Disks::Entry* entry = disks.find(path);
      if (entry->directory || path.ends_with(io::kManifestName) ||
          path.ends_with(io::kPartialManifestName)) {
        continue;
      }
      for (const std::uint64_t number : numbers_in(entry->file->bytes)) ++found[number];
    }
    return found;
  }

  std::map<JobId, std::map<std::string, std::uint64_t>> taken_;  // As feeders were told.
};

}  // namespace

std::unique_ptr<Checker> check_feeding(Scene& scene) { return std::make_unique<Feeding>(scene); }

}  // namespace fanfold::sim
