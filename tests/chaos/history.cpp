#include "tests/chaos/history.hpp"

#include <algorithm>
#include <optional>

namespace fanfold::chaos {
namespace {

using Kind = Operation::Kind;

int rank_of(proto::JobState state) {
  if (state == proto::JobState::kRunning) return 0;
  return state == proto::JobState::kPublishing ? 1 : 2;
}

std::string name_of(JobId job) { return "job " + std::to_string(job.value); }

class Checker {
 public:
  explicit Checker(const std::vector<Operation>& operations) {
    for (const Operation& one : operations) {
      if (one.answered != Answered::kUnknown) by_job_[one.job].push_back(&one);
      if (one.kind == Kind::kSubmit && one.answered == Answered::kOk) submits_.push_back(&one);
    }
  }

  std::vector<std::string> run() {
    check_client_ids();
    for (auto& [job, operations] : by_job_) {
      std::stable_sort(operations.begin(), operations.end(),
                       [](const Operation* a, const Operation* b) { return a->begin < b->begin; });
      check_not_lost(job, operations);
      check_monotone(job, operations);
      check_output(job, operations);
    }
    return std::move(found_);
  }

 private:
  using Operations = std::vector<const Operation*>;

  void check_client_ids() {
    std::map<std::string, JobId> jobs;
    for (const Operation* submit : submits_) {
      const auto [known, is_new] = jobs.emplace(submit->client_id, submit->job);
      if (!is_new && known->second != submit->job) {
        found_.push_back("client id " + submit->client_id + " was " + name_of(known->second) +
                         " and then " + name_of(submit->job));
      }
    }
  }

  void check_not_lost(JobId job, const Operations& operations) {
    std::optional<Instant> accepted;
    for (const Operation* one : operations) {
      if (one->kind == Kind::kSubmit && one->answered == Answered::kOk) {
        accepted = accepted ? std::min(*accepted, one->end) : one->end;
      }
    }
    for (const Operation* one : operations) {
      if (one->kind == Kind::kStatus && one->answered == Answered::kRefused && accepted &&
          one->begin >= *accepted) {
        found_.push_back(name_of(job) + " was accepted and then not known: " + one->detail);
        return;
      }
    }
  }

  // Only operations of which one ended before the other began are in an order.
  void check_monotone(JobId job, const Operations& operations) {
    for (const Operation* later : operations) {
      if (later->kind != Kind::kStatus || later->answered != Answered::kOk) continue;
      for (const Operation* earlier : operations) {
        if (earlier->kind != Kind::kStatus || earlier->answered != Answered::kOk) continue;
        if (earlier->end > later->begin) continue;
        const bool back = rank_of(later->state) < rank_of(earlier->state);
        const bool other_end = rank_of(earlier->state) == 2 && earlier->state != later->state;
        if (!back && !other_end) continue;
        found_.push_back(name_of(job) + " was " + proto::name_of(earlier->state) + " and then " +
                         proto::name_of(later->state));
        return;
      }
    }
  }

  void check_output(JobId job, const Operations& operations) {
    const auto told = [&](const auto& is_so) {
      return std::any_of(operations.begin(), operations.end(), [&](const Operation* one) {
        return one->kind == Kind::kStatus && one->answered == Answered::kOk && is_so(*one);
      });
    };
    for (const Operation* look : operations) {
      if (look->kind != Kind::kLookAtOutput) continue;
      const bool success_before = told([&](const Operation& status) {
        return status.state == proto::JobState::kSucceeded && status.end <= look->begin;
      });
      if (!look->output_there && success_before) {
        found_.push_back(name_of(job) + " succeeded, but its output is not there");
        return;
      }
      const bool no_success = told([](const Operation& status) {
        return status.state == proto::JobState::kFailed ||
               status.state == proto::JobState::kCancelled;
      });
      const bool running_after = told([&](const Operation& status) {
        return status.state == proto::JobState::kRunning && status.begin >= look->end;
      });
      if (look->output_there && (no_success || running_after)) {
        found_.push_back(name_of(job) + " did not succeed, but its output is there");
        return;
      }
    }
  }

  std::map<JobId, Operations> by_job_;
  Operations submits_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> History::violations() const { return Checker(operations_).run(); }

}  // namespace fanfold::chaos
