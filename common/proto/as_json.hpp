// What commands (--json) and the pages of a master (/api) tell programs in the same words.  Names
// of fields are permanent; fields may be added.
//
// Json is nlohmann::ordered_json: whoever includes this has it, this header needs it not.

#pragma once

#include <utility>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::proto {

template <class Json>
Json emission_json(const Emission& emission) {
  Json keys = Json::array();
  for (const HotKey& key : emission.hot_keys) {
    keys.push_back({{"key", key.key}, {"partition", key.partition}, {"bytes", key.bytes}});
  }
  return {{"bytes", emission.bytes},
          {"partition_bytes", emission.partition_bytes},
          {"hot_keys", std::move(keys)}};
}

template <class Json>
Json hot_partitions_json(const std::vector<HeavyPartition>& partitions) {
  Json json = Json::array();
  for (const HeavyPartition& one : partitions) {
    json.push_back({{"partition", one.partition}, {"bytes", one.bytes}, {"shares", one.shares}});
  }
  return json;
}

template <class Json>
Json worker_json(const WorkerStatus& worker) {
  Json json = {{"worker", worker.worker.value}, {"name", worker.name},
               {"process", worker.process},     {"slots", worker.slots},
               {"busy", worker.busy},           {"draining", worker.draining},
               {"silent_ms", worker.silent_ms}, {"standing", name_of(worker.standing)},
               {"demerits", worker.demerits},   {"excluded_ms", worker.excluded_ms}};
  const HostRoom& room = worker.room;
  if (room.memory_bytes != 0) {
    json["memory_bytes"] = room.memory_bytes;
    json["memory_bytes_free"] = room.memory_bytes_free;
  }
  if (room.executor_bytes != 0) json["executor_bytes"] = room.executor_bytes;
  if (room.scratch_bytes != 0) {
    json["scratch_bytes"] = room.scratch_bytes;
    json["scratch_bytes_free"] = room.scratch_bytes_free;
  }
  return json;
}

}  // namespace fanfold::proto
