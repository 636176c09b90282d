// The record that an attempt failed on, as far as this host can read it.

#pragma once

#include <string>

#include "common/proto/types.hpp"

namespace fanfold::cli {

/// The beginning of the record in quotes, without control characters and at most a line long. Empty
/// when there is none, or its file is compressed (offsets count decompressed bytes) or not
/// readable.
std::string record_excerpt(const proto::FailureReport& failure);

}  // namespace fanfold::cli
