// The executor: the process in which user code runs.  Reads tasks from its control socket, runs
// each with exec, answers, and reads the next; ends with _exit and never unloads a plugin.

#pragma once

namespace fanfold::worker {

// Descriptors that the zygote arranges.  0 is /dev/null; 1 and 2 are the log pipe.
inline constexpr int kExecutorControl = 3;
inline constexpr int kExecutorPage = 4;

/// Exit statuses of an executor that ends by its own decision.
inline constexpr int kExecutorBadControl = 125;  // The control socket is closed or not ours.
inline constexpr int kExecutorRefused = 124;     // No descriptors or memory to begin with.

[[noreturn]] void run_executor();

}  // namespace fanfold::worker
