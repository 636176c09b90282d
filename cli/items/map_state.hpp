// What a file with a Map state of the States Language says, checked and complete.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/items/expression.hpp"
#include "common/items/json_text.hpp"
#include "common/items/payload.hpp"

namespace fanfold::cli {

using items::Json;

enum class ItemInput : std::uint8_t {
  kState = 0,  // An array in the input of the state.
  kJson = 1,
  kJsonLines = 2,
  kCsv = 3,
  kManifest = 4,
  kListing = 5,  // Of a directory.
};

struct ItemReader {
  ItemInput input = ItemInput::kState;
  std::string path;                  // Absolute.
  std::vector<std::string> pointer;  // kJson: the names on the way to the array.
  char delimiter = ',';              // kCsv.
  bool header_in_first_row = true;   // kCsv.
  std::vector<std::string> headers;  // kCsv, when they are given.
  std::uint64_t items_max = 0;       // 0: all.
};

struct ItemBatcher {
  std::uint64_t items_max = 0;  // 0: no such limit.
  std::uint64_t bytes_max = 0;  // Of the input of a child; 0: no such limit.
  std::optional<Json> batch_input;
  bool batches() const { return items_max != 0 || bytes_max != 0; }
};

enum class Transformation : std::uint8_t { kNone = 0, kCompact = 1, kFlatten = 2 };

struct ResultWriter {
  std::string path;  // Absolute; empty: -o says it.
  Transformation transformation = Transformation::kCompact;
  bool json_lines = false;
};

struct MapState {
  std::string label;
  Json input;  // Of the state.
  Json context;
  ItemReader reader;
  items::Path items_path;  // kState.
  std::optional<items::Payload> item_selector;
  ItemBatcher batcher;
  std::uint32_t concurrency_max = 0;
  std::optional<std::uint64_t> failures_max;
  std::optional<std::uint32_t> failures_per_million;
  ResultWriter writer;
  /// StartAt and States, as worker/items/processor.hpp takes them.
  Json processor;

  /// Neither of the two: none may fail.
  bool tolerates() const { return failures_max || failures_per_million; }
};

}  // namespace fanfold::cli
