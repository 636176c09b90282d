// Facts and actions as one readable line each, for transcripts and failure messages.

#pragma once

#include <string>

#include "master/scheduler/action.hpp"
#include "master/scheduler/fact.hpp"

namespace fanfold::master {

std::string name_of(AttemptId attempt);  // "3" of the first epoch, "2:3" of the second.
std::string name_of(const TaskId& task);
std::string to_text(const Fact& fact);
std::string to_text(const Action& action);

}  // namespace fanfold::master
