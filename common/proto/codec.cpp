// The only file that includes cereal.  Its archives are ours (Wire...), because the stock ones
// believe every length they read; cereal contributes the dispatch from struct to fields.

#include "common/proto/codec.hpp"

#include <cereal/cereal.hpp>
#include <concepts>
#include <map>
#include <type_traits>
#include <vector>

#include "common/proto/fields.hpp"
#include "common/proto/known.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/wire.hpp"

namespace fanfold::proto {
namespace {

constexpr std::uint16_t kStructVersion = 5;

struct Saver : WireWriter, cereal::OutputArchive<Saver> {
  Saver() : cereal::OutputArchive<Saver>(this) {}
};

struct Loader : WireReader, cereal::InputArchive<Loader> {
  explicit Loader(std::string_view bytes) : WireReader(bytes), cereal::InputArchive<Loader>(this) {}
};

template <std::integral Integer>
void save(Saver& saver, const Integer& value) {
  saver.number(value);
}
template <std::integral Integer>
void load(Loader& loader, Integer& value) {
  value = loader.number<Integer>();
}

void save(Saver& saver, const bool& value) { saver.boolean(value); }
void load(Loader& loader, bool& value) { value = loader.boolean(); }

void save(Saver& saver, const std::string& value) { saver.text(value); }
void load(Loader& loader, std::string& value) { value = loader.text(); }

template <class Enumeration>
void save(Saver& saver, const Checked<Enumeration>& checked) {
  saver.number(static_cast<std::underlying_type_t<Enumeration>>(checked.value));
}
template <class Enumeration>
void load(Loader& loader, Checked<Enumeration>& checked) {
  const auto number = loader.number<std::underlying_type_t<Enumeration>>();
  if (!loader.ok()) return;  // The default stays: zero need not be a value.
  const auto value = static_cast<Enumeration>(number);
  if (!is_known(value)) return loader.fail("unknown value " + std::to_string(number));
  checked.value = value;
}

void save(Saver& saver, const CheckedCode& checked) { saver.number(checked.value); }
void load(Loader& loader, CheckedCode& checked) {
  const auto number = loader.number<std::uint8_t>();
  if (!is_known(static_cast<StatusCode>(number))) {
    return loader.fail("unknown status code " + std::to_string(number));
  }
  checked.value = number;
}

template <class Element>
void save(Saver& saver, const std::vector<Element>& values) {
  saver.count(values.size());
  for (const Element& value : values) saver(value);
}
/// Grows as elements really arrive: a count is a claim, and structs are larger in memory than on
/// the wire.
template <class Element>
void load(Loader& loader, std::vector<Element>& values) {
  const std::size_t count = loader.count();
  for (std::size_t i = 0; i < count && loader.ok(); ++i) loader(values.emplace_back());
}

template <class Key, class Value, class Order>
void save(Saver& saver, const std::map<Key, Value, Order>& values) {
  saver.count(values.size());
  for (const auto& [key, value] : values) saver(key, value);
}
template <class Key, class Value, class Order>
void load(Loader& loader, std::map<Key, Value, Order>& values) {
  const std::size_t count = loader.count();
  for (std::size_t i = 0; i < count && loader.ok(); ++i) {
    Key key;
    Value value{};
    loader(key, value);
    if (!loader.ok()) return;
    // One value has one encoding: keys ascend.
    if (!values.empty() && !values.key_comp()(values.rbegin()->first, key)) {
      return loader.fail("the keys of a map do not ascend");
    }
    values.emplace_hint(values.end(), std::move(key), std::move(value));
  }
}

/// Reads the rest of `loader` into `value`; `describe` names the whole when it is damaged.
template <class Value, class Describe>
Status load_last(Loader& loader, Value& value, const Describe& describe) {
  try {
    loader(value);
  } catch (const cereal::Exception& error) {
    loader.fail(error.what());
  }
  loader.expect_end();
  if (loader.ok()) return Status();
  return Status(StatusCode::kCorruption, "damaged " + describe() + ": " + loader.error());
}

template <class Message>
constexpr bool carries_protocol = requires(Message message) {
  message.protocol;
};

std::string describe(std::uint16_t tag, std::size_t bytes) {
  return "frame (tag " + std::to_string(tag) + ", " + std::to_string(bytes) + " bytes)";
}

/// Tries the alternatives of Variant one after the other: none has another's tag.
template <class Variant, std::size_t kIndex = 0>
Status decode_alternative(std::uint16_t tag, Loader& loader, std::size_t bytes, Variant& result) {
  if constexpr (kIndex == std::variant_size_v<Variant>) {
    return Status(StatusCode::kCorruption,
                  "damaged " + describe(tag, bytes) + ": no message with this tag belongs here");
  } else {
    using Message = std::variant_alternative_t<kIndex, Variant>;
    if (tag != Message::kTag) {
      return decode_alternative<Variant, kIndex + 1>(tag, loader, bytes, result);
    }
    return load_last(loader, result.template emplace<kIndex>(),
                     [&] { return describe(tag, bytes); });
  }
}

template <class... Messages>
bool tag_carries_protocol(std::uint16_t tag, const std::variant<Messages...>*) {
  return ((tag == Messages::kTag && carries_protocol<Messages>) || ...);
}

}  // namespace

template <class Message>
std::string encode(const Message& message) {
  Saver saver;
  saver.number(Message::kTag);
  saver(message);
  return saver.take();
}

template <class Variant>
Result<Variant> decode(std::string_view frame) {
  if (const auto protocol = peek_protocol(frame); protocol && *protocol != kProtocolVersion) {
    return Status(StatusCode::kInvalidArgument,
                  "the peer speaks protocol " + std::to_string(*protocol) + ", this build speaks " +
                      std::to_string(kProtocolVersion) +
                      ": use the same version of Fanfold on both sides");
  }
  Loader loader(frame);
  const auto tag = loader.number<std::uint16_t>();
  if (!loader.ok()) return Status(StatusCode::kCorruption, "a frame without a tag");
  Variant result;
  FANFOLD_RETURN_IF_ERROR(decode_alternative(tag, loader, frame.size(), result));
  return result;
}

std::optional<std::uint32_t> peek_protocol(std::string_view frame) {
  WireReader reader(frame);
  const auto tag = reader.number<std::uint16_t>();
  const auto protocol = reader.number<std::uint32_t>();
  const MasterInput* all_inputs = nullptr;
  if (!reader.ok() || !tag_carries_protocol(tag, all_inputs)) return std::nullopt;
  return protocol;
}

template <class Struct>
std::string encode_struct(const Struct& value) {
  Saver saver;
  saver.number(kStructVersion);
  saver(value);
  return saver.take();
}

template <class Struct>
Result<Struct> decode_struct(std::string_view bytes) {
  Loader loader(bytes);
  const auto version = loader.number<std::uint16_t>();
  if (loader.ok() && version != kStructVersion) {
    loader.fail("layout version " + std::to_string(version) + ", this build reads version " +
                std::to_string(kStructVersion));
  }
  Struct value{};
  FANFOLD_RETURN_IF_ERROR(load_last(
      loader, value, [&] { return "record (" + std::to_string(bytes.size()) + " bytes)"; }));
  return value;
}

template std::string encode(const Submit&);
template std::string encode(const GetJob&);
template std::string encode(const ListJobs&);
template std::string encode(const CancelJob&);
template std::string encode(const ChangeJob&);
template std::string encode(const GetLogs&);
template std::string encode(const GetCluster&);
template std::string encode(const StopCluster&);
template std::string encode(const GetEvents&);
template std::string encode(const GetOutput&);
template std::string encode(const Answer&);
template std::string encode(const JobReply&);
template std::string encode(const JobList&);
template std::string encode(const Logs&);
template std::string encode(const ClusterReply&);
template std::string encode(const Events&);
template std::string encode(const Output&);
template std::string encode(const Hello&);
template std::string encode(const Heartbeat&);
template std::string encode(const CommitRequest&);
template std::string encode(const AttemptFailed&);
template std::string encode(const Bye&);
template std::string encode(const WorkersDied&);
template std::string encode(const InputsWanted&);
template std::string encode(const OutputPart&);
template std::string encode(const Welcome&);
template std::string encode(const Unknown&);
template std::string encode(const HeartbeatEcho&);
template std::string encode(const Assign&);
template std::string encode(const CancelAttempt&);
template std::string encode(const CommitAnswer&);
template std::string encode(const FailureNoted&);
template std::string encode(const ForgetJob&);
template std::string encode(const Goodbye&);
template std::string encode(const ListPage&);
template std::string encode(const ReadOutput&);
template std::string encode(const PeerKeys&);
template std::string encode(const FetchSegment&);
template std::string encode(const Chunk&);

template Result<ClientMessage> decode(std::string_view);
template Result<ClientReply> decode(std::string_view);
template Result<WorkerMessage> decode(std::string_view);
template Result<MasterMessage> decode(std::string_view);
template Result<MasterInput> decode(std::string_view);
template Result<DataMessage> decode(std::string_view);

template std::string encode_struct(const JobSpec&);
template std::string encode_struct(const TaskAssignment&);
template std::string encode_struct(const AttemptReport&);
template std::string encode_struct(const FailureReport&);
template std::string encode_struct(const JobStatus&);
template std::string encode_struct(const Hello&);
template std::string encode_struct(const StoredJob&);
template std::string encode_struct(const StoredEnd&);
template std::string encode_struct(const Capsule&);
template Result<JobSpec> decode_struct(std::string_view);
template Result<TaskAssignment> decode_struct(std::string_view);
template Result<AttemptReport> decode_struct(std::string_view);
template Result<FailureReport> decode_struct(std::string_view);
template Result<JobStatus> decode_struct(std::string_view);
template Result<Hello> decode_struct(std::string_view);
template Result<StoredJob> decode_struct(std::string_view);
template Result<StoredEnd> decode_struct(std::string_view);
template Result<Capsule> decode_struct(std::string_view);

}  // namespace fanfold::proto
