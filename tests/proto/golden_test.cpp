// The bytes of every message, written down.  A line that changes is an incompatible protocol:
// raise kProtocolVersion with it.  To write the file anew, take the lines that this test prints.

#include <gtest/gtest.h>

#include <fstream>

#include "common/proto/codec.hpp"
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

std::map<std::string, std::string> golden_lines() {
  std::map<std::string, std::string> lines;
  std::ifstream file(FANFOLD_GOLDEN_FILE);
  for (std::string name, bytes; file >> name >> bytes;) lines[name] = bytes;
  return lines;
}

TEST(Golden, BytesOfEveryMessageAreWhatTheyWere) {
  auto golden = golden_lines();
  for_each_message([&](auto named) {
    CountingSource source;
    const std::string bytes = hex(encode(filled<typename decltype(named)::Type>(source)));
    EXPECT_EQ(golden[named.name], bytes) << named.name << " " << bytes;
    golden.erase(named.name);
  });
  EXPECT_TRUE(golden.empty()) << golden.begin()->first << " is no message";
}

}  // namespace
}  // namespace fanfold::proto
