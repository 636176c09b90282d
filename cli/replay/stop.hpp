// The place at which a debugger stops a replay.

#pragma once

/// Called once, before user code gets the record that the attempt failed at; before the attempt
/// begins when that record is not known.  Does nothing: a breakpoint on its name does.
extern "C" void fanfold_replay_stop();
