// Whether a task that failed is tried again, and when: attempts_max, or the Retry of the States
// Language.  Failures of the infrastructure never come here.  No state, no chance: jitter is drawn
// from the task and the number of its failure, so that it replays exactly.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"
#include "master/scheduler/job.hpp"
#include "master/scheduler/task.hpp"

namespace fanfold::master::scheduling {

/// What an interval or a longest delay may be: a day.  Longer ones are refused at submission.
inline constexpr std::uint64_t kRetryDelayMsMost = 86'400'000;
/// The fastest growth, per mille.
inline constexpr std::uint32_t kBackoffPerMilleMost = 1'000'000;

/// The first that names the error; nullopt: none does.
std::optional<std::size_t> retrier_for(const std::vector<proto::Retrier>& retry,
                                       proto::FailureKind kind);

/// Before its `n`-th retry, from 1: interval * rate^(n-1), at most the longest delay.
Duration retrier_delay(const proto::Retrier& retrier, std::uint32_t n);

/// The failure counts, as far as later ones ask.
void count_failure(const Job& job, Trouble& trouble, proto::FailureKind kind);

/// How long the task waits after the failure that was just counted; nullopt: it is not tried again.
std::optional<Duration> next_try(const Job& job, const TaskId& task, const Trouble& trouble,
                                 proto::FailureKind kind);

}  // namespace fanfold::master::scheduling
