// Which of the keys that a server may have is tried when.

#include <gtest/gtest.h>

#include "common/net/any_server.hpp"
#include "common/net/key_pair.hpp"

namespace fanfold::net {
namespace {

using namespace std::chrono_literals;

TEST(ServerGuess, TriesAllKeysOfARoundAtOnceAndThenLessAndLessOften) {
  const security::PublicKey one = make_key_pair().public_key;
  const security::PublicKey two = make_key_pair().public_key;
  std::vector<security::PublicKey> keys = {one, two};
  ServerGuess guess([&] { return keys; });
  EXPECT_EQ(guess.key(), one);
  EXPECT_TRUE(guess.note_wrong());
  EXPECT_EQ(guess.key(), two);
  EXPECT_FALSE(guess.all_wrong());
  EXPECT_FALSE(guess.note_wrong()) << "a pause comes first";
  EXPECT_TRUE(guess.all_wrong());
  EXPECT_EQ(guess.key(), one);
  EXPECT_EQ(guess.retry_after(), 100ms);
  EXPECT_TRUE(guess.note_wrong());
  EXPECT_FALSE(guess.note_wrong());
  EXPECT_EQ(guess.retry_after(), 200ms);
  for (int i = 0; i < 100; ++i) guess.note_wrong();
  EXPECT_EQ(guess.retry_after(), 5s);
  guess.note_right();
  EXPECT_FALSE(guess.all_wrong());
  EXPECT_FALSE(guess.outdated());
  const security::PublicKey other = guess.key() == one ? two : one;
  keys = {other, make_key_pair().public_key};
  EXPECT_TRUE(guess.outdated());
  EXPECT_EQ(guess.key(), other);
  keys.pop_back();
  EXPECT_FALSE(guess.outdated());
}

}  // namespace
}  // namespace fanfold::net
