// The only file that includes cereal.  Its archives are ours (Wire...), because the stock ones
// believe every length they read; cereal contributes the dispatch from struct to fields.

#include "common/proto/codec.hpp"

#include <cereal/cereal.hpp>
#include <concepts>
#include <map>
#include <type_traits>
#include <vector>

#include "common/core/check.hpp"
#include "common/proto/known.hpp"
#include "common/proto/message_fields.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/redrive.hpp"
#include "common/proto/stored_fields.hpp"
#include "common/proto/versions.hpp"
#include "common/proto/wire.hpp"

namespace fanfold::proto {
namespace {

constexpr std::uint16_t kStructVersion = 5;

/// Writes what peers of `version` know, and remembers what they would have to know.
struct Saver : WireWriter, cereal::OutputArchive<Saver> {
  explicit Saver(std::uint32_t version = kProtocolVersion)
      : cereal::OutputArchive<Saver>(this), protocol(version) {}

  const std::uint32_t protocol;
  std::string unknown;
};

struct Loader : WireReader, cereal::InputArchive<Loader> {
  explicit Loader(std::string_view bytes, std::uint32_t version = kProtocolVersion)
      : WireReader(bytes), cereal::InputArchive<Loader>(this), protocol(version) {}

  const std::uint32_t protocol;
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
  Enumeration value = checked.value;
  if (known_since(value) > saver.protocol) value = stand_in(value);
  if (saver.unknown.empty() && known_since(value) > saver.protocol) {
    saver.unknown = feature_of(value);
  }
  saver.number(static_cast<std::underlying_type_t<Enumeration>>(value));
}
template <class Enumeration>
void load(Loader& loader, Checked<Enumeration>& checked) {
  const auto number = loader.number<std::underlying_type_t<Enumeration>>();
  if (!loader.ok()) return;  // The default stays: zero need not be a value.
  const auto value = static_cast<Enumeration>(number);
  if (!is_known(value) || known_since(value) > loader.protocol) {
    return loader.fail("unknown value " + std::to_string(number));
  }
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

template <class Struct>
std::string plain_bytes(const Struct& value) {
  Saver saver;
  saver(value);
  return saver.take();
}
template <class Enumeration>
std::string plain_bytes(const Checked<Enumeration>& checked) {
  return plain_bytes(static_cast<std::underlying_type_t<Enumeration>>(checked.value));
}
template <class Field>
std::string unset_bytes(const Field&) {
  return plain_bytes(Field{});
}
template <class Enumeration>
std::string unset_bytes(const Checked<Enumeration>&) {
  return plain_bytes(std::underlying_type_t<Enumeration>{});
}

template <class Field>
void save(Saver& saver, const Since<Field>& since) {
  if (saver.protocol >= since.protocol) {
    saver(since.field);
  } else if (since.feature != nullptr && saver.unknown.empty() &&
             plain_bytes(since.field) != unset_bytes(since.field)) {
    saver.unknown = since.feature;
  }
}
template <class Field>
void load(Loader& loader, Since<Field>& since) {
  if (loader.protocol >= since.protocol) loader(since.field);
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

/// Since when there is such a message.
template <class Message>
constexpr std::uint32_t since() {
  if constexpr (requires { Message::kSince; }) {
    return Message::kSince;
  } else {
    return 0;
  }
}

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
    if (tag != Message::kTag || since<Message>() > loader.protocol) {
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
  std::uint32_t protocol = kProtocolVersion;
  if constexpr (carries_protocol<Message>) {
    if (is_spoken(message.protocol)) protocol = message.protocol;
  }
  Saver saver(protocol);
  saver.number(Message::kTag);
  saver(message);
  return saver.take();
}

template <class Message>
Encoded encode_for(const Message& message, std::uint32_t protocol) {
  FANFOLD_CHECK(is_spoken(protocol));
  Saver saver(protocol);
  saver.number(Message::kTag);
  saver(message);
  Encoded encoded{saver.take(), std::move(saver.unknown)};
  if constexpr (since<Message>() != 0) {
    if (since<Message>() > protocol) encoded.unknown = Message::kFeature;
  }
  if constexpr (carries_protocol<Message>) {
    WireWriter number;
    number.number(protocol);
    encoded.frame.replace(sizeof Message::kTag, sizeof protocol, number.take());
  }
  return encoded;
}

std::string unknown_to(std::uint32_t protocol, const JobSpec& spec) {
  Saver saver(protocol);
  saver(spec);
  // No field says it, and who does not know of it would map other bytes.
  if (protocol < kRedriveSince && redriven_directory(spec)) return "redriving dead letters";
  return std::move(saver.unknown);
}

template <class Variant>
Result<Variant> decode(std::string_view frame, std::uint32_t protocol) {
  FANFOLD_CHECK(is_spoken(protocol));
  if (const auto named = peek_protocol(frame)) {
    if (!is_spoken(*named)) return other_protocol(*named);
    protocol = *named;
  }
  Loader loader(frame, protocol);
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

#define FANFOLD_MESSAGE(Message)               \
  template std::string encode(const Message&); \
  template Encoded encode_for(const Message&, std::uint32_t)
FANFOLD_MESSAGE(Submit);
FANFOLD_MESSAGE(GetJob);
FANFOLD_MESSAGE(ListJobs);
FANFOLD_MESSAGE(CancelJob);
FANFOLD_MESSAGE(ChangeJob);
FANFOLD_MESSAGE(Feed);
FANFOLD_MESSAGE(ListInputs);
FANFOLD_MESSAGE(PutBlob);
FANFOLD_MESSAGE(GetLogs);
FANFOLD_MESSAGE(GetCluster);
FANFOLD_MESSAGE(StopCluster);
FANFOLD_MESSAGE(GetEvents);
FANFOLD_MESSAGE(GetOutput);
FANFOLD_MESSAGE(Answer);
FANFOLD_MESSAGE(JobReply);
FANFOLD_MESSAGE(JobList);
FANFOLD_MESSAGE(Logs);
FANFOLD_MESSAGE(ClusterReply);
FANFOLD_MESSAGE(Events);
FANFOLD_MESSAGE(Output);
FANFOLD_MESSAGE(FeedReply);
FANFOLD_MESSAGE(InputsListed);
FANFOLD_MESSAGE(BlobReply);
FANFOLD_MESSAGE(Hello);
FANFOLD_MESSAGE(Heartbeat);
FANFOLD_MESSAGE(CommitRequest);
FANFOLD_MESSAGE(AttemptFailed);
FANFOLD_MESSAGE(Bye);
FANFOLD_MESSAGE(WorkersDied);
FANFOLD_MESSAGE(InputsWanted);
FANFOLD_MESSAGE(OutputPart);
FANFOLD_MESSAGE(GetBlob);
FANFOLD_MESSAGE(HostFilesListed);
FANFOLD_MESSAGE(Welcome);
FANFOLD_MESSAGE(Unknown);
FANFOLD_MESSAGE(HeartbeatEcho);
FANFOLD_MESSAGE(Assign);
FANFOLD_MESSAGE(CancelAttempt);
FANFOLD_MESSAGE(CommitAnswer);
FANFOLD_MESSAGE(FailureNoted);
FANFOLD_MESSAGE(ForgetJob);
FANFOLD_MESSAGE(Goodbye);
FANFOLD_MESSAGE(ListPage);
FANFOLD_MESSAGE(ReadOutput);
FANFOLD_MESSAGE(PeerKeys);
FANFOLD_MESSAGE(BlobPart);
FANFOLD_MESSAGE(ListHostFiles);
FANFOLD_MESSAGE(HomeOutputs);
FANFOLD_MESSAGE(FetchSegment);
FANFOLD_MESSAGE(Chunk);
#undef FANFOLD_MESSAGE

template Result<ClientMessage> decode(std::string_view, std::uint32_t);
template Result<ClientReply> decode(std::string_view, std::uint32_t);
template Result<WorkerMessage> decode(std::string_view, std::uint32_t);
template Result<MasterMessage> decode(std::string_view, std::uint32_t);
template Result<MasterInput> decode(std::string_view, std::uint32_t);
template Result<DataMessage> decode(std::string_view, std::uint32_t);

template std::string encode_struct(const JobSpec&);
template std::string encode_struct(const TaskAssignment&);
template std::string encode_struct(const AttemptReport&);
template std::string encode_struct(const FailureReport&);
template std::string encode_struct(const JobStatus&);
template std::string encode_struct(const Hello&);
template std::string encode_struct(const StoredJob&);
template std::string encode_struct(const StoredFeed&);
template std::string encode_struct(const StoredEnd&);
template std::string encode_struct(const Capsule&);
template Result<JobSpec> decode_struct(std::string_view);
template Result<TaskAssignment> decode_struct(std::string_view);
template Result<AttemptReport> decode_struct(std::string_view);
template Result<FailureReport> decode_struct(std::string_view);
template Result<JobStatus> decode_struct(std::string_view);
template Result<Hello> decode_struct(std::string_view);
template Result<StoredJob> decode_struct(std::string_view);
template Result<StoredFeed> decode_struct(std::string_view);
template Result<StoredEnd> decode_struct(std::string_view);
template Result<Capsule> decode_struct(std::string_view);

}  // namespace fanfold::proto
