// What the codec promises: whole messages survive, anything else is damage, and neither costs
// more memory than the frame justifies.

#include "common/proto/codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/proto/all_messages.hpp"

namespace fanfold::proto {
namespace {

using testing::HasSubstr;

class RandomSource {
 public:
  explicit RandomSource(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t number() { return engine_() >> (engine_() % 64); }
  std::string text() {
    std::string value(engine_() % 20, '\0');
    for (char& c : value) c = static_cast<char>(engine_());
    return value;
  }
  std::size_t size() { return engine_() % 4; }

 private:
  std::mt19937_64 engine_;
};

/// One message of every kind, encoded, with values that differ from field to field.
std::vector<std::pair<std::string, std::string>> sample_frames() {
  std::vector<std::pair<std::string, std::string>> frames;
  for_each_message([&](auto named) {
    CountingSource source;
    frames.emplace_back(named.name, encode(filled<typename decltype(named)::Type>(source)));
  });
  return frames;
}

/// Decodes as the receiver of the frame would; what came out is encoded again.
template <class Variant>
Result<std::string> recode_as(std::string_view frame) {
  Result<Variant> message = decode<Variant>(frame);
  if (!message.ok()) return message.status();
  return std::visit([](const auto& m) { return encode(m); }, *message);
}
Result<std::string> recode(std::string_view frame) {
  const int tag = static_cast<unsigned char>(frame.at(0));
  if (tag < 20) return recode_as<ClientMessage>(frame);
  if (tag < 40) return recode_as<ClientReply>(frame);
  if (tag < 60) return recode_as<WorkerMessage>(frame);
  if (tag < 80) return recode_as<MasterMessage>(frame);
  return recode_as<DataMessage>(frame);
}

TEST(Codec, GivesBackEveryMessageAsItWas) {
  for_each_message([](auto named) {
    using Message = typename decltype(named)::Type;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      RandomSource source(seed);
      const std::string frame = encode(filled<Message>(source));
      const auto decoded = decode<VariantOf<Message>>(frame);
      ASSERT_TRUE(decoded.ok()) << named.name << " seed " << seed << decoded.status().message();
      ASSERT_TRUE(std::holds_alternative<Message>(*decoded)) << named.name;
      ASSERT_EQ(encode(std::get<Message>(*decoded)), frame) << named.name << " seed " << seed;
    }
  });
}

TEST(Codec, CarriesTheValuesOfFields) {
  Submit submit;
  submit.spec.job_name = "word_count";
  submit.spec.parameters = {{"a", "1"}, {"b", ""}};
  submit.spec.on_exists = OnExists::kReplace;
  submit.spec.speculate = false;
  submit.spec.memory_bytes = 0x0123456789abcdef;
  const auto decoded = decode<MasterInput>(encode(submit));
  ASSERT_TRUE(decoded.ok());
  const JobSpec& spec = std::get<Submit>(*decoded).spec;
  EXPECT_EQ(spec.job_name, "word_count");
  EXPECT_EQ(spec.parameters, submit.spec.parameters);
  EXPECT_EQ(spec.on_exists, OnExists::kReplace);
  EXPECT_FALSE(spec.speculate);
  EXPECT_EQ(spec.memory_bytes, 0x0123456789abcdefu);
}

TEST(Codec, RefusesEveryFrameThatIsCutShort) {
  for (const auto& [name, frame] : sample_frames()) {
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const std::string cut = frame.substr(0, size);
      const StatusCode code =
          size == 0 ? decode<MasterInput>(cut).status().code() : recode(cut).status().code();
      ASSERT_EQ(code, StatusCode::kCorruption) << name << " cut to " << size << " bytes";
    }
  }
}

TEST(Codec, RefusesTrailingBytes) {
  for (const auto& [name, frame] : sample_frames()) {
    EXPECT_EQ(recode(frame + '\0').status().code(), StatusCode::kCorruption) << name;
  }
}

// One value has one encoding, so a flipped bit is either refused or another value.
TEST(Codec, NeverMistakesAFlippedBitForTheSameMessage) {
  for (const auto& [name, frame] : sample_frames()) {
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
      std::string flipped = frame;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      const auto again = recode(flipped);
      if (again.ok()) {
        ASSERT_EQ(*again, flipped) << name << " bit " << bit;
      } else {
        ASSERT_NE(again.status().message(), "") << name << " bit " << bit;
      }
    }
  }
}

TEST(Codec, RefusesMessagesThatDoNotBelongHere) {
  const auto status = decode<WorkerMessage>(encode(ListJobs{})).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("tag 3"));
  EXPECT_EQ(decode<MasterInput>(std::string("\xff\xff")).status().code(), StatusCode::kCorruption);
}

TEST(Codec, RefusesUnknownEnumerationValuesAndStatusCodes) {
  Bye bye;
  std::string frame = encode(bye);
  frame.back() = 2;
  EXPECT_THAT(decode<MasterInput>(frame).status().message(), HasSubstr("boolean"));

  frame = encode(Answer{});
  frame[2] = 77;
  EXPECT_THAT(decode<ClientReply>(frame).status().message(), HasSubstr("unknown status code 77"));

  frame = encode_struct(FailureReport{});
  frame[2] = 11;  // Between the failures of the task and those of the infrastructure.
  EXPECT_THAT(decode_struct<FailureReport>(frame).status().message(),
              HasSubstr("unknown value 11"));
}

TEST(Codec, RefusesMapsWhoseKeysRepeat) {
  AttemptReport report;
  report.counters = {{"a", 1}, {"b", 2}};
  std::string bytes = encode_struct(report);
  bytes[bytes.find('b')] = 'a';
  EXPECT_THAT(decode_struct<AttemptReport>(bytes).status().message(), HasSubstr("ascend"));
}

TEST(Codec, RefusesAnotherProtocolWithBothNumbersWhateverFollows) {
  const auto status =
      decode<MasterInput>(std::string("\x28\x00\x63\x00\x00\x00garbage", 13)).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("protocol 99"));
  EXPECT_THAT(status.message(), HasSubstr("speaks " + std::to_string(kProtocolVersion)));
}

TEST(Codec, PeeksTheProtocolOfThoseWhoMayBeStrangers) {
  EXPECT_EQ(peek_protocol(encode(Hello{})), kProtocolVersion);
  EXPECT_EQ(peek_protocol(encode(StopCluster{})), kProtocolVersion);
  EXPECT_EQ(peek_protocol(encode(Heartbeat{})), std::nullopt);
  EXPECT_EQ(peek_protocol(""), std::nullopt);
  EXPECT_EQ(peek_protocol(encode(Hello{}).substr(0, 5)), std::nullopt);
}

TEST(Codec, GivesBackSingleStructs) {
  CountingSource source;
  const auto assignment = filled<TaskAssignment>(source);
  const std::string bytes = encode_struct(assignment);
  const auto decoded = decode_struct<TaskAssignment>(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(encode_struct(*decoded), bytes);
  EXPECT_EQ(decoded->spec.job_name, assignment.spec.job_name);
  EXPECT_EQ(decode_struct<TaskAssignment>(bytes + "x").status().code(), StatusCode::kCorruption);
}

TEST(Codec, RefusesStructsOfAnotherLayoutVersion) {
  std::string bytes = encode_struct(JobSpec{});
  bytes[0] = 7;
  EXPECT_THAT(decode_struct<JobSpec>(bytes).status().message(), HasSubstr("layout version 7"));
}

// Converts to anything: T{Anything, Anything, ...} compiles for as many as T has fields.
struct Anything {
  template <class T>
  operator T() const;
};
template <class Struct, class... Fields>
constexpr std::size_t count_fields() {
  if constexpr (requires { Struct{Fields()..., Anything()}; }) {
    return count_fields<Struct, Fields..., Anything>();
  } else {
    return sizeof...(Fields);
  }
}
struct FieldCounter {
  std::size_t fields = 0;
  template <class... Fields>
  void operator()(Fields&&...) {
    fields += sizeof...(Fields);
  }
};
template <class Struct>
void expect_all_fields_travel(const char* name) {
  Struct value{};
  FieldCounter counter;
  serialize(counter, value);
  EXPECT_EQ(counter.fields, count_fields<Struct>()) << name;
}

TEST(Codec, ForgetsNoFieldOfAnyStruct) {
  for_each_message(
      [](auto named) { expect_all_fields_travel<typename decltype(named)::Type>(named.name); });
  expect_all_fields_travel<FileReference>("FileReference");
  expect_all_fields_travel<JobSpec>("JobSpec");
  expect_all_fields_travel<Split>("Split");
  expect_all_fields_travel<MapOutput>("MapOutput");
  expect_all_fields_travel<Holder>("Holder");
  expect_all_fields_travel<TaskAssignment>("TaskAssignment");
  expect_all_fields_travel<FailureReport>("FailureReport");
  expect_all_fields_travel<AttemptReport>("AttemptReport");
  expect_all_fields_travel<AttemptProgress>("AttemptProgress");
  expect_all_fields_travel<StageStatus>("StageStatus");
  expect_all_fields_travel<JobStatus>("JobStatus");
  expect_all_fields_travel<HostRoom>("HostRoom");
  expect_all_fields_travel<MemoryCurve>("MemoryCurve");
  expect_all_fields_travel<WorkerStatus>("WorkerStatus");
  expect_all_fields_travel<LogEntry>("LogEntry");
  expect_all_fields_travel<io::Piece>("Piece");
  expect_all_fields_travel<io::PartInfo>("PartInfo");
  expect_all_fields_travel<io::Segment>("Segment");
  expect_all_fields_travel<abi::BlockSummary>("BlockSummary");
  expect_all_fields_travel<TaskId>("TaskId");
}

TEST(Codec, GivesEveryMessageATagOfItsOwn) {
  std::map<std::uint16_t, std::string> names;
  for_each_message([&](auto named) {
    const auto tag = decltype(named)::Type::kTag;
    EXPECT_TRUE(names.emplace(tag, named.name).second) << named.name << " and " << names[tag];
  });
  EXPECT_EQ(names.size(), std::variant_size_v<MasterInput> + std::variant_size_v<MasterMessage> +
                              std::variant_size_v<ClientReply> + std::variant_size_v<DataMessage>);
}

}  // namespace
}  // namespace fanfold::proto
