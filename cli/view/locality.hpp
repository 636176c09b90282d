// What people are told of maps that prefer hosts.

#pragma once

#include <string>

#include "common/proto/types.hpp"

namespace fanfold::cli {

/// "12 of 16 maps ran on hosts that they prefer, 4 elsewhere"
std::string locality_text(const proto::LocalityStatus& locality);

}  // namespace fanfold::cli
