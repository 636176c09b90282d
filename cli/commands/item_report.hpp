// What people and programs read of an item job that has ended.

#pragma once

#include <cstdint>
#include <string>

#include "cli/items/result_writer.hpp"

namespace fanfold::cli {

struct ItemSummary {
  std::string label;
  std::string output;
  ItemResults results;
  std::uint64_t wall_ms = 0;
};

std::string text_of(const ItemSummary& summary);
std::string json_of(const ItemSummary& summary);
/// Says on standard error what is not as it should be; returns the exit code.
int tell_end(const ItemSummary& summary);

}  // namespace fanfold::cli
