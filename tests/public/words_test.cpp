// words(): against a loop over bytes, with every length and alignment around its blocks.

#include <fanfold/words.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace fanfold {
namespace {

using namespace std::string_literals;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> found;
  for (const std::string_view word : words(text)) found.emplace_back(word);
  return found;
}

std::vector<std::string> words_by_bytes(std::string_view text) {
  std::vector<std::string> found;
  bool in_word = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
    if (!space && !in_word) found.emplace_back();
    if (!space) found.back().push_back(c);
    in_word = !space;
  }
  return found;
}

TEST(Words, AreWhatLiesBetweenWhiteSpace) {
  EXPECT_EQ(words_of("to be\tor\vnot\r\nto  \f be"),
            (std::vector<std::string>{"to", "be", "or", "not", "to", "be"}));
}

TEST(Words, OfNothingAreNone) {
  EXPECT_TRUE(words_of("").empty());
  EXPECT_TRUE(words_of(std::string_view()).empty());
  EXPECT_TRUE(words_of(std::string(200, ' ')).empty());
}

TEST(Words, HoldAnyByteThatIsNoAsciiWhiteSpace) {
  EXPECT_EQ(words_of("\0\x01 \x08\x0e\x1f \x80\x85\xa0\xff"s),
            (std::vector<std::string>{"\0\x01"s, "\x08\x0e\x1f", "\x80\x85\xa0\xff"}));
}

TEST(Words, AreViewsIntoTheText) {
  const std::string text = "  one two";
  EXPECT_EQ((*words(text).begin()).data(), text.data() + 2);
}

TEST(Words, ReachAcrossBlocks) {
  for (std::size_t before = 0; before < 70; ++before) {
    for (const std::size_t size : {1u, 2u, 60u, 63u, 64u, 65u, 127u, 128u, 129u, 300u}) {
      const std::string text =
          std::string(before, ' ') + std::string(size, 'w') + std::string(before % 3, ' ') + "x";
      EXPECT_EQ(words_of(text), words_by_bytes(text)) << before << " " << size;
    }
  }
}

TEST(Words, OfRandomTextsAreThoseThatALoopFinds) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    const std::size_t size = random() % 200;
    const std::uint64_t density = 1 + random() % 40;
    // Memory of exactly the right size and varying alignment: a sanitizer sees what is read beyond.
    const std::size_t skip = random() % 64;
    const auto memory = std::make_unique<char[]>(skip + size);
    for (std::size_t at = 0; at < size; ++at) {
      memory[skip + at] =
          random() % density == 0 ? " \t\n\r\v\f"[random() % 6] : static_cast<char>(random());
    }
    const std::string_view text(memory.get() + skip, size);
    ASSERT_EQ(words_of(text), words_by_bytes(text)) << i;
  }
}

}  // namespace
}  // namespace fanfold
