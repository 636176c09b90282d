// Notes the stack of every throw in this process, plugins included: when an exception is caught its
// stack is gone.  Costs a throw some microseconds, in executors only.  Does nothing under
// sanitizers, which need that place in the C++ runtime for themselves.

#pragma once

namespace fanfold::worker {

/// From now on, in every thread.
void observe_throws();
/// Program counters of this thread's latest throw, innermost first; how many were copied.
int latest_throw(void** counters, int counters_max);
/// One attempt's exception is not another's.
void forget_latest_throw();

}  // namespace fanfold::worker
