// Bytes of single structs, for those who store them or hand them to another process of the same
// host, and a first look at frames of unknown origin.  Whole messages: messages.hpp.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::proto {

/// The layout's version (2 bytes), then the fields.  Exists for JobSpec, TaskAssignment,
/// AttemptReport, FailureReport, JobStatus, Hello and the structs of stored.hpp.
template <class Struct>
std::string encode_struct(const Struct& value);

/// Total, like decode(): any bytes give a value or kCorruption.
template <class Struct>
Result<Struct> decode_struct(std::string_view bytes);

/// The protocol number in the frame of a client or of a Hello, whatever the rest of the frame is
/// made of: a peer of another version is refused by name.  nullopt: the frame carries none.
std::optional<std::uint32_t> peek_protocol(std::string_view frame);

}  // namespace fanfold::proto
