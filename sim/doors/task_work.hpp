// What a simulated attempt does with real files of the production formats.  The input is a file of
// numbered lines; a map sends each number to a partition, a reduce writes the sorted numbers that
// it received.  So the output of a job must hold each number of its input exactly once.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/doors/disk_view.hpp"
#include "sim/world/witness.hpp"
#include "worker/agent/event.hpp"
#include "worker/isolation/executor_frames.hpp"

namespace fanfold::sim {

/// "00000000000042\n"
inline constexpr std::size_t kLineBytes = 15;
std::string line_of(std::uint64_t number);

/// Numbers of different jobs are different: those of the first begin here, and so on.
inline constexpr std::uint64_t kNumbersPerJob = 1'000'000;

/// Records that a map counts as failures, and how many each is.  By number.
using Failing = std::map<std::uint64_t, std::uint64_t>;

struct TaskOptions {
  /// Where a number goes depends on the attempt: the mapper is broken.
  bool nondeterministic = false;
  Failing failing;
  /// The host computes wrongly, and nobody there notices.
  bool corrupt = false;
};

/// A map leaves `bad` out, as its job says.
worker::AttemptEnded do_task(io::FileSystem& files, Witness& witness, const TaskOptions& options,
                             const worker::ExecutorTask& task,
                             const std::vector<worker::BadRecord>& bad);

/// Of the line that begins there in the input of a job, ".../job-N".
std::uint64_t number_at(std::string_view path, std::uint64_t offset);

/// The numbers of whole lines.
std::vector<std::uint64_t> numbers_in(std::string_view lines);

}  // namespace fanfold::sim
