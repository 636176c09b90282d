// fanfold-sim: its command line.

#pragma once

namespace fanfold::sim {

/// The exit code: 0 when nothing was violated, 1 when something was, 2 for a wrong command line.
int run_program(int argc, char** argv);

}  // namespace fanfold::sim
