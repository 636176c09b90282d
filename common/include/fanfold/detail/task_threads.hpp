// How many threads the code of the task in this thread may use.

#pragma once

#include <cstdint>

namespace fanfold::detail {

/// Set by the task when it starts.  Code that runs outside of a task has one thread.
inline thread_local std::uint32_t task_threads = 1;

}  // namespace fanfold::detail
