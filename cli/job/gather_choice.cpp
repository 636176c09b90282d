#include "cli/job/gather_choice.hpp"

#include <string>
#include <utility>

#include "common/proto/gather.hpp"

namespace fanfold::cli {
namespace {

using abi::Gather;

/// Of a hundred parts two levels; few enough files to be read side by side from one disk.
constexpr std::uint32_t kArityDefault = 16;

Status refuse(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

/// Who says how: the user, or the job.
std::string speaker(const JobRequest& request, Gather how) {
  return (request.gather ? "--gather " : "gather declared as ") + std::string(proto::name_of(how)) +
         ": job '";
}

Status check_merge(const abi::JobInfo& job, const std::string& speaker) {
  if (!job.writes_at_end) return Status();
  return refuse(speaker + job.name +
                "' writes behind its last key, in finish(), and what it writes there has no key to "
                "be merged by; use --gather concat.");
}

Status check_reduce(const abi::JobInfo& job, const std::string& speaker) {
  if (!job.has_combiner) {
    return refuse(speaker + job.name +
                  "' has no combine(), so its values cannot be folded in a tree; use --gather "
                  "merge-sort or concat.");
  }
  if (job.order_values) {
    return refuse(speaker + job.name +
                  "' wants the values of a key sorted, and folding leaves none to sort; use "
                  "--gather merge-sort or concat.");
  }
  return Status();
}

}  // namespace

Status choose_gather(const abi::JobInfo& job, const JobRequest& request, proto::JobSpec* spec) {
  const Gather how = request.gather.value_or(job.gather);
  if (how == Gather::kNone && request.gather_arity != 0) {
    return refuse(
        "--gather-arity: nothing is brought together; say how with --gather concat, merge-sort or "
        "reduce.");
  }
  if (how == Gather::kMergeSort) FANFOLD_RETURN_IF_ERROR(check_merge(job, speaker(request, how)));
  if (how == Gather::kReduce) FANFOLD_RETURN_IF_ERROR(check_reduce(job, speaker(request, how)));
  if (how == Gather::kNone) return Status();
  spec->gather = {how, kArityDefault};
  if (job.gather_arity != 0) spec->gather.arity = job.gather_arity;
  if (request.gather_arity != 0) spec->gather.arity = request.gather_arity;
  return Status();
}

}  // namespace fanfold::cli
