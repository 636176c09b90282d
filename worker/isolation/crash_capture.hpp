// Inside an executor: writes down what kills it before it dies.  Async-signal-safe after
// install_crash_capture(); symbolising is the worker's business (symbolise.hpp).

#pragma once

#include "worker/isolation/shared_page.hpp"

namespace fanfold::worker {

/// Handlers for fatal signals on a stack of their own, for SIGUSR2 (dump the stack, then end the
/// process group), for std::terminate and for exit().  Once per process; `page` outlives it.
void install_crash_capture(SharedPage* page);

/// The stack of this thread's latest throw, if there was one, becomes the dump's.
void dump_latest_throw();

}  // namespace fanfold::worker
