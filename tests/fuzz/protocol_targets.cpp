// What arrives from peers and lies in the store: frames, structs, facts.
// The promise: what decodes has this one encoding, byte for byte.

#include "common/proto/codec.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/output_list.hpp"
#include "common/proto/versions.hpp"
#include "master/store/fact_codec.hpp"
#include "tests/fuzz/target.hpp"

namespace fanfold::fuzz {
namespace {

template <class Variant>
bool recodes_as(std::uint32_t protocol, std::string_view frame) {
  const Result<Variant> message = proto::decode<Variant>(frame, protocol);
  if (!message.ok()) {
    const StatusCode code = message.status().code();
    promise(code == StatusCode::kCorruption || code == StatusCode::kInvalidArgument,
            "a bad frame is corrupt or of another version");
    return false;
  }
  // A frame that names its version is of that one.
  const std::uint32_t named = proto::peek_protocol(frame).value_or(protocol);
  const proto::Encoded again =
      std::visit([named](const auto& m) { return proto::encode_for(m, named); }, *message);
  promise(again.frame == frame, "a message has one encoding");
  promise(again.unknown.empty(), "nobody says what he does not know");
  return true;
}

template <class Variant>
bool recodes(std::string_view frame) {
  static_cast<void>(recodes_as<Variant>(proto::kProtocolBefore, frame));
  return recodes_as<Variant>(proto::kProtocolVersion, frame);
}

bool messages(std::string_view input) {
  static_cast<void>(proto::peek_protocol(input));
  const bool at_master = recodes<proto::MasterInput>(input);
  const bool from_client = recodes<proto::ClientMessage>(input);
  const bool from_worker = recodes<proto::WorkerMessage>(input);
  promise(at_master == (from_client || from_worker), "the master takes clients and workers");
  const bool other = recodes<proto::ClientReply>(input) || recodes<proto::MasterMessage>(input) ||
                     recodes<proto::DataMessage>(input);
  promise(!(at_master && other), "a tag belongs to one direction");
  return at_master || other;
}

template <class Struct>
bool recodes_struct(std::string_view bytes) {
  const Result<Struct> value = proto::decode_struct<Struct>(bytes);
  if (!value.ok()) {
    promise(value.status().code() == StatusCode::kCorruption, "bad bytes are corrupt");
    return false;
  }
  promise(proto::encode_struct(*value) == bytes, "a struct has one encoding");
  return true;
}

bool structs(std::string_view input) {
  switch (take<std::uint8_t>(input) % 4) {
    case 0:
      return recodes_struct<proto::JobSpec>(input);
    case 1:
      return recodes_struct<proto::TaskAssignment>(input);
    case 2:
      return recodes_struct<proto::AttemptReport>(input);
    default:
      return recodes_struct<proto::FailureReport>(input);
  }
}

bool facts(std::string_view input) {
  const auto tag = take<std::uint16_t>(input);
  const auto version = take<std::uint16_t>(input);
  const Result<master::Fact> fact = master::decode_fact(tag, version, input);
  if (!fact.ok()) {
    promise(fact.status().code() == StatusCode::kCorruption, "a bad fact is corrupt");
    return false;
  }
  const master::EncodedFact again = master::encode_fact(*fact);
  promise(again.tag == tag && again.version == version && again.payload == input,
          "a fact has one encoding");
  static_cast<void>(master::job_of(*fact));
  return true;
}

bool output_list(std::string_view input) {
  proto::OutputUnpacker unpacker;
  if (const Status status = unpacker.add(input); !status.ok()) {
    promise(status.code() == StatusCode::kCorruption, "a bad page is corrupt");
    return false;
  }
  const proto::OutputList list = unpacker.take();
  std::uint64_t next = 0;
  for (const proto::MapOutput& output : list.outputs) {
    promise(output.holder < list.holders.size(), "an output names a holder of the list");
    promise(output.split >= next, "splits ascend");
    next = std::uint64_t{output.split} + 1;
  }
  return true;
}

constexpr Target kTargets[] = {{"messages", &messages},
                               {"structs", &structs},
                               {"facts", &facts},
                               {"output_list", &output_list}};

}  // namespace

std::span<const Target> protocol_targets() { return kTargets; }

}  // namespace fanfold::fuzz
