// The beginning of a block, cut where a number of its records end.

#pragma once

#include <cstdint>
#include <string_view>

#include "common/io/piece_reader.hpp"

namespace fanfold::io {

/// `block` holds whole records and starts with one; all of it when it holds no more than `records`.
std::string_view first_records(std::string_view block, const ReadOptions& options,
                               std::uint64_t records);

}  // namespace fanfold::io
