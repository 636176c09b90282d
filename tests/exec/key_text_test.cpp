#include "worker/exec/key_text.hpp"

#include <gtest/gtest.h>

#include <fanfold/key_codec.hpp>

namespace fanfold::worker {
namespace {

template <class Key>
std::string text_of(const Key& key) {
  Bytes encoded;
  encode_key(key, encoded);
  return key_text(KeyCodec<Key>::order(), encoded.view());
}

TEST(KeyText, ReadsNumbersOfEverySize) {
  EXPECT_EQ(text_of(std::uint8_t{7}), "7");
  EXPECT_EQ(text_of(std::uint64_t{1} << 63), "9223372036854775808");
  EXPECT_EQ(text_of(std::int16_t{-300}), "-300");
  EXPECT_EQ(text_of(std::int64_t{-5'000'000'000}), "-5000000000");
  EXPECT_EQ(text_of(-0.5), "-0.500000");
}

TEST(KeyText, QuotesStringsAndSaysWhereTheyAreCut) {
  EXPECT_EQ(text_of(std::string("fan fold")), "\"fan fold\"");
  EXPECT_EQ(text_of(std::string()), "\"\"");
  EXPECT_EQ(text_of(std::string(kKeyBytes, 'k')), "\"" + std::string(kKeyBytes, 'k') + "\"");
  EXPECT_EQ(text_of(std::string(kKeyBytes + 1, 'k')), "\"" + std::string(kKeyBytes, 'k') + "...\"");
}

TEST(KeyText, ShowsBytesThatItCannotRead) {
  EXPECT_EQ(key_text("int", "odd"), "\"odd\"");
  EXPECT_EQ(key_text("", "any"), "\"any\"");
  EXPECT_EQ(key_text("bytes", std::nullopt), "");
}

TEST(KeyText, TakesNoMoreOfALongKeyThanItNeeds) {
  const std::string key(10'000, 'k');
  abi::ProgressSlot progress;
  EXPECT_EQ(current_key(progress), std::nullopt);
  progress.key.store(key.data());
  progress.key_size.store(key.size());
  ASSERT_TRUE(current_key(progress).has_value());
  EXPECT_EQ(current_key(progress)->size(), kKeyBytes + 1);
}

}  // namespace
}  // namespace fanfold::worker
