// "fanfold:exec": a program that gets a child's input on standard input and prints its output.
//
// It runs without a shell, with FANFOLD_ITEM_INDEX, FANFOLD_ATTEMPT and FANFOLD_IDEMPOTENCY_KEY in
// its environment.  What it prints on standard error goes to the log of the attempt; when it fails,
// its last line there is the cause, and {"Error": ..., "Cause": ...} names the error.

#pragma once

#include <string>

#include "worker/items/task.hpp"

namespace fanfold::worker {

struct CommandDoors {
  StayAlive alive;
  std::string key;        // The child's idempotency key.
  std::string directory;  // Where it runs: where the item job was started from.
};

/// `call.input` has Command, and may have Stdin and OutputType.
TaskResult run_command(const TaskCall& call, const CommandDoors& doors);

}  // namespace fanfold::worker
