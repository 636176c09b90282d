// What peers of the version before are told and understood, and when they are refused.

#include "common/proto/versions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/proto/redrive.hpp"
#include "tests/proto/all_messages.hpp"

namespace fanfold::proto {
namespace {

using testing::HasSubstr;

Answer refusal(const std::string& message) {
  return {.code = static_cast<std::uint8_t>(StatusCode::kInvalidArgument),
          .message = message,
          .job = {}};
}

TEST(Versions, OfAPeerAreBelievedAndLeaveOutWhatItDoesNotKnow) {
  Heartbeat heartbeat;
  heartbeat.worker = WorkerId{7};
  heartbeat.room.memory_bytes = 1000;
  const Encoded before = encode_for(heartbeat, kProtocolBefore);
  EXPECT_EQ(before.unknown, "");
  EXPECT_LT(before.frame.size(), encode(heartbeat).size());

  const auto decoded = decode<MasterInput>(before.frame, kProtocolBefore);
  ASSERT_TRUE(decoded.ok()) << decoded.status().message();
  EXPECT_EQ(std::get<Heartbeat>(*decoded).worker, WorkerId{7});
  EXPECT_EQ(std::get<Heartbeat>(*decoded).room.memory_bytes, 0u);
  // Neither is taken for the other.
  EXPECT_EQ(decode<MasterInput>(before.frame).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(decode<MasterInput>(encode(heartbeat), kProtocolBefore).status().code(),
            StatusCode::kCorruption);
}

TEST(Versions, AreNamedByTheFrameItself) {
  Hello hello;
  const std::string frame = encode_for(hello, kProtocolBefore).frame;
  EXPECT_NE(frame, encode(hello));
  hello.protocol = kProtocolBefore;
  EXPECT_EQ(frame, encode(hello));
  const auto decoded = decode<MasterInput>(frame);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(std::get<Hello>(*decoded).protocol, kProtocolBefore);
}

TEST(Versions, OfTwoReleasesAgoAndOfTheNextAreRefusedWithAllNumbers) {
  for (const std::uint32_t protocol : {kProtocolBefore - 1, kProtocolVersion + 1}) {
    std::string frame = encode(ListJobs{});
    frame[2] = static_cast<char>(protocol);
    const Status status = decode<MasterInput>(frame).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("speaks protocol " + std::to_string(protocol) + ","));
    EXPECT_THAT(status.message(), HasSubstr("speaks " + std::to_string(kProtocolVersion) + " and " +
                                            std::to_string(kProtocolBefore)));
  }
}

/// One that is sent to many at once is encoded for all of them; between workers nobody says which
/// version he speaks; and whoever is refused has to understand why.
template <class Message>
void expect_the_same_in_both() {
  CountingSource source;
  const auto message = filled<Message>(source);
  const Encoded before = encode_for(message, kProtocolBefore);
  EXPECT_EQ(before.frame, encode(message));
  EXPECT_EQ(before.unknown, "");
}

TEST(Versions, HaveSomeMessagesInCommon) {
  expect_the_same_in_both<Answer>();
  expect_the_same_in_both<PeerKeys>();
  expect_the_same_in_both<ListPage>();
  expect_the_same_in_both<FetchSegment>();
  expect_the_same_in_both<Chunk>();
}

TEST(Versions, KnowAllOfWhatUsesNothingNew) {
  CountingSource source;
  EXPECT_EQ(unknown_to(kProtocolBefore, filled<JobSpec>(source, kProtocolBefore)), "");
  // A field that is set by default would be one that every job needs.
  EXPECT_EQ(unknown_to(kProtocolBefore, JobSpec{}), "");
  for_each_message([](auto named) {
    using Message = typename decltype(named)::Type;
    if (!is_known_in<Message>(kProtocolBefore)) return;
    EXPECT_EQ(encode_for(Message{}, kProtocolBefore).unknown, "") << named.name;
  });
}

TEST(Versions, SayWhatOfAJobPeersOfTheVersionBeforeDoNotKnow) {
  JobSpec spec;
  spec.gather = {.how = abi::Gather::kConcat, .arity = 4};
  EXPECT_EQ(unknown_to(kProtocolBefore, spec), "gathering of results");
  EXPECT_EQ(unknown_to(kProtocolVersion, spec), "");
  JobSpec redrive;
  redrive.inputs = {redrive_input("/out.work/redrive/earlier")};
  EXPECT_EQ(unknown_to(kRedriveSince - 1, redrive), "redriving dead letters");
  EXPECT_EQ(unknown_to(kRedriveSince, redrive), "");
  Submit submit;
  submit.spec = spec;
  EXPECT_EQ(encode_for(submit, kProtocolBefore).unknown, "gathering of results");
  // A value that they do not know, in something that they do.
  JobReply reply;
  reply.status.stages.emplace_back().stage = Stage::kMap;
  EXPECT_EQ(encode_for(reply, kProtocolBefore).unknown, "");
  reply.status.stages.emplace_back().stage = Stage::kGather;
  const Encoded encoded = encode_for(reply, kProtocolBefore);
  EXPECT_EQ(encoded.unknown, "gathering of results");
  // Whoever is sent it all the same takes it for damage.
  EXPECT_EQ(decode<ClientReply>(encoded.frame, kProtocolBefore).status().code(),
            StatusCode::kCorruption);
}

TEST(SpokenVersion, IsTheOlderOnesWhenTheNewerOneIsRefused) {
  SpokenVersion spoken;
  EXPECT_EQ(spoken.number(), kProtocolVersion);
  const std::string now = std::to_string(kProtocolVersion);
  const std::string before = std::to_string(kProtocolBefore);
  // As builds said it before two versions went together.
  const Answer older = refusal("the peer speaks protocol " + now + ", this build speaks " + before +
                               ": use the same version of Fanfold on both sides");
  EXPECT_EQ(spoken.hear(older), SpokenVersion::Heard::kChanged);
  EXPECT_EQ(spoken.number(), kProtocolBefore);
  // It had asked twice.
  EXPECT_EQ(spoken.hear(older), SpokenVersion::Heard::kStale);
  EXPECT_EQ(spoken.number(), kProtocolBefore);
  // Now there is nothing left to try.
  EXPECT_EQ(spoken.hear(refusal("the peer speaks protocol " + before + ", this build speaks 99")),
            SpokenVersion::Heard::kRefused);
  spoken.reset();
  EXPECT_EQ(spoken.number(), kProtocolVersion);
}

TEST(SpokenVersion, StaysWhenAnythingElseIsRefused) {
  SpokenVersion spoken;
  const std::string now = std::to_string(kProtocolVersion);
  EXPECT_EQ(spoken.hear(refusal("the peer speaks protocol " + now + ", this build speaks 1")),
            SpokenVersion::Heard::kRefused);
  EXPECT_EQ(spoken.hear(refusal("the peer speaks protocol " + now + ", this build speaks 99")),
            SpokenVersion::Heard::kRefused);
  for (const char* text : {"", "no job 7 is known here", "the peer speaks protocol ",
                           "the peer speaks protocol 7", "the peer speaks protocol x, this build",
                           "the peer speaks protocol 99999999999, this build speaks 6"}) {
    EXPECT_EQ(spoken.hear(refusal(text)), SpokenVersion::Heard::kNothing) << text;
  }
  Answer granted = refusal("the peer speaks protocol 7, this build speaks 6");
  granted.code = 0;
  EXPECT_EQ(spoken.hear(granted), SpokenVersion::Heard::kNothing);
  EXPECT_EQ(spoken.number(), kProtocolVersion);
}

TEST(SpokenVersion, IsReadFromWhatThisBuildSays) {
  const auto read = read_refusal(other_protocol(42).message());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->refused, 42u);
  EXPECT_EQ(read->spoken, kProtocolVersion);
}

}  // namespace
}  // namespace fanfold::proto
