// fork_join(): solves one large problem inside a task, on all threads that the task may use.
//
//   const Pair nearest = fanfold::fork_join(
//       points, [](Span p) { return p.size() > 1000; }, halves, brute_force, closer_of);
//
// A problem that should_split() is cut by split() into smaller ones, which are solved side by side;
// join() then folds their results in the order of the parts.  With functions that depend on nothing
// but their arguments the result does not depend on the number of threads.  Work is stolen between
// threads, so parts may be of unequal size.
//
// The functions run in several threads at once.  They may call ctx.progress(), and nothing else of
// the context, the emitter or the writer.  The first exception stops the parts that have not begun,
// and leaves fork_join().
//
// Needs oneTBB (Debian: libtbb-dev): target_link_libraries(my_job PRIVATE TBB::tbb).

#pragma once

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/detail/task_threads.hpp"

namespace fanfold {

namespace detail {

/// Halving 2^60 things takes sixty levels; who goes this deep does not make problems smaller.
inline constexpr unsigned kForkDepthMax = 1000;

/// Unwinds parts whose siblings failed; the exception of the sibling is what the caller sees.
struct ForkCancelled {};

/// Whether this thread solves a part already: then the pool is there.
inline thread_local bool in_fork_join = false;

class InForkJoin {
 public:
  InForkJoin() : before_(std::exchange(in_fork_join, true)) {}
  ~InForkJoin() { in_fork_join = before_; }
  InForkJoin(const InForkJoin&) = delete;
  InForkJoin& operator=(const InForkJoin&) = delete;

 private:
  bool before_;
};

template <class Problem, class ShouldSplit, class Split, class Solve, class Join>
class ForkJoin {
 public:
  using Result = std::decay_t<std::invoke_result_t<const Solve&, const Problem&>>;
  using Parts = std::decay_t<std::invoke_result_t<const Split&, const Problem&>>;

  static_assert(!std::is_void_v<Result>, "fanfold: solve() of fork_join must return its result");
  static_assert(std::is_invocable_r_v<bool, const ShouldSplit&, const Problem&>,
                "fanfold: should_split(problem) of fork_join must return bool");
  static_assert(
      requires(const Parts& parts) {
        { *std::begin(parts) } -> std::convertible_to<const Problem&>;
        { std::size(parts) } -> std::convertible_to<std::size_t>;
      },
      "fanfold: split(problem) of fork_join must return a vector or array of problems");
  static_assert(std::is_invocable_r_v<Result, const Join&, Result, Result>,
                "fanfold: join(result, result) of fork_join must return what solve() returns");

  ForkJoin(const ShouldSplit& should_split, const Split& split, const Solve& solve,
           const Join& join)
      : should_split_(should_split), split_(split), solve_(solve), join_(join) {}

  Result run(const Problem& problem, unsigned depth) const {
    const InForkJoin in_fork_join;
    if (!should_split_(problem)) return solve_(problem);
    if (depth == kForkDepthMax) {
      throw std::length_error("fork_join splits " + std::to_string(depth) +
                              " levels deep: split() must return smaller problems");
    }
    const Parts parts = split_(problem);
    if (std::size(parts) == 0) {
      throw std::logic_error(
          "fork_join: split() returned no parts; should_split() must be false "
          "for a problem that cannot be split");
    }
    return join(solve_parts(parts, depth + 1));
  }

 private:
  std::vector<std::optional<Result>> solve_parts(const Parts& parts, unsigned depth) const {
    std::vector<std::optional<Result>> results(std::size(parts));
    tbb::task_group group;
    std::size_t index = 0;
    for (const Problem& part : parts) {
      group.run(
          [this, &part, &result = results[index++], depth] { result.emplace(run(part, depth)); });
    }
    // Throws what the first failed part threw.
    if (group.wait() == tbb::task_group_status::canceled) throw ForkCancelled{};
    return results;
  }

  Result join(std::vector<std::optional<Result>> results) const {
    Result all = *std::move(results.front());
    for (std::size_t i = 1; i < results.size(); ++i) {
      all = join_(std::move(all), *std::move(results[i]));
    }
    return all;
  }

  const ShouldSplit& should_split_;
  const Split& split_;
  const Solve& solve_;
  const Join& join_;
};

}  // namespace detail

/// Solves `problem`; see above.  Calls of it may be nested: all share the threads of the task.
template <class Problem, class ShouldSplit, class Split, class Solve, class Join>
auto fork_join(const Problem& problem, const ShouldSplit& should_split, const Split& split,
               const Solve& solve, const Join& join) {
  const detail::ForkJoin<Problem, ShouldSplit, Split, Solve, Join> work(should_split, split, solve,
                                                                        join);
  if (detail::in_fork_join) return work.run(problem, 0);
  // The share of the task counts, whatever oneTBB thinks of the machine.
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism,
                                    detail::task_threads);
  tbb::task_arena arena(static_cast<int>(detail::task_threads));
  return arena.execute([&] { return work.run(problem, 0); });
}

}  // namespace fanfold
