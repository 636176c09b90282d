#include "cli/replay/stop.hpp"

extern "C" [[gnu::noinline]] void fanfold_replay_stop() {
  // An empty function may be left out, and its calls with it.
  __asm__("" ::: "memory");
}
