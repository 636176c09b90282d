// Puts the master together out of its production doors and runs it to its end.

#pragma once

#include "common/core/status.hpp"
#include "master/service/options.hpp"

namespace fanfold::master {

/// Returns when the master was told to stop.  Everything it made (socket, private directory) is
/// gone then.
Status run_master(const MasterOptions& options);

}  // namespace fanfold::master
