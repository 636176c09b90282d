// Who may reach the master's socket.  Submitting a job is running code, so the directory of an ipc
// socket must belong to the master's user and be closed to everybody else.

#pragma once

#include <string>

#include "common/core/status.hpp"

namespace fanfold::master {

/// kInvalidArgument says what is wrong with the directory and how to put it right.  Other schemes
/// than ipc pass: the transport has its own opinion of them.
Status check_socket_directory(const std::string& address);

}  // namespace fanfold::master
