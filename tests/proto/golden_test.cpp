// The bytes of every message, written down: of this version, and of the version before as its last
// build wrote them.  A line of the former may change until the version is released; to write it
// anew, take what this test prints.  One of the latter never does: what is new says since when it
// is there (fields.hpp).

#include <gtest/gtest.h>

#include <fstream>

#include "common/proto/codec.hpp"
#include "common/proto/versions.hpp"
#include "tests/proto/all_messages.hpp"

namespace fanfold::proto {
namespace {

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::map<std::string, std::string> golden_lines(const char* path) {
  std::map<std::string, std::string> lines;
  std::ifstream file(path);
  for (std::string name, bytes; file >> name >> bytes;) lines[name] = bytes;
  return lines;
}

TEST(Golden, BytesOfEveryMessageAreWhatTheyWere) {
  auto golden = golden_lines(FANFOLD_GOLDEN_FILE);
  for_each_message([&](auto named) {
    CountingSource source;
    const std::string bytes = hex(encode(filled<typename decltype(named)::Type>(source)));
    EXPECT_EQ(golden[named.name], bytes) << named.name << " " << bytes;
    golden.erase(named.name);
  });
  EXPECT_TRUE(golden.empty()) << golden.begin()->first << " is no message";
}

TEST(Golden, BytesForPeersOfTheVersionBeforeAreWhatItWrote) {
  auto golden = golden_lines(FANFOLD_GOLDEN_FILE_BEFORE);
  for_each_message([&](auto named) {
    using Message = typename decltype(named)::Type;
    if (!is_known_in<Message>(kProtocolBefore)) return;
    CountingSource source;
    const Encoded encoded = encode_for(filled<Message>(source, kProtocolBefore), kProtocolBefore);
    EXPECT_EQ(golden[named.name], hex(encoded.frame)) << named.name;
    EXPECT_EQ(encoded.unknown, "") << named.name;

    const auto decoded = decode<VariantOf<Message>>(encoded.frame, kProtocolBefore);
    ASSERT_TRUE(decoded.ok()) << named.name << ": " << decoded.status().message();
    const Message& message = std::get<Message>(*decoded);
    EXPECT_EQ(encode_for(message, kProtocolBefore).frame, encoded.frame) << named.name;
    golden.erase(named.name);
  });
  EXPECT_TRUE(golden.empty()) << golden.begin()->first << " is no message any more";
}

}  // namespace
}  // namespace fanfold::proto
