// Facts as bytes.  Tags and versions are permanent; how a payload is laid out is this folder's
// business alone (docs/disk_format.md).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "master/scheduler/fact.hpp"

namespace fanfold::master {

struct EncodedFact {
  std::uint16_t tag = 0;
  std::uint16_t version = 2;
  std::string payload;
};

EncodedFact encode_fact(const Fact& fact);

/// Total: anything that encode_fact() does not produce is kCorruption.
Result<Fact> decode_fact(std::uint16_t tag, std::uint16_t version, std::string_view payload);

/// None for facts about workers.
JobId job_of(const Fact& fact);

}  // namespace fanfold::master
