// Emitter: pairs arrive as they were given, whatever happens to the memory they were made of.

#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fanfold {
namespace {

using namespace std::string_literals;

/// Takes batches down.
template <class V>
struct Taker {
  struct Kept {
    std::string key;
    std::string value;  // Encoded, or the bytes of a plain one.
    bool operator==(const Kept&) const = default;
  };
  std::vector<Kept> kept;
  std::vector<std::size_t> batches;

  static void take(void* self, const detail::Pair<V>* pairs, std::size_t count) {
    auto& taker = *static_cast<Taker*>(self);
    taker.batches.push_back(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::string value;
      if constexpr (detail::kPlainValue<V>) {
        Bytes bytes;
        encode_value(pairs[i].value, bytes);
        value = bytes.view();
      } else {
        value.assign(pairs[i].value.data, pairs[i].value_size);
      }
      taker.kept.push_back({{pairs[i].key, pairs[i].key_size}, value});
    }
  }
};

template <class K, class V>
struct Fixture {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  detail::Outputs outputs{host, abi::OutputFormat::kText, progress};
  Taker<V> taker;
  Emitter<K, V> emitter{outputs, &taker, &Taker<V>::take, false};
};

TEST(Emitter, GivesPairsAwayInTheOrderTheyCame) {
  Fixture<std::string_view, std::string_view> fixture;
  for (int i = 0; i < 1000; ++i) fixture.emitter.emit(std::to_string(i), std::to_string(-i));
  fixture.emitter.flush();
  ASSERT_EQ(fixture.taker.kept.size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(fixture.taker.kept[i].key, std::to_string(i));
    EXPECT_EQ(fixture.taker.kept[i].value, std::to_string(-i));
  }
  EXPECT_EQ(fixture.taker.batches.front(), detail::kBatchPairs);
}

TEST(Emitter, CopiesWhatDoesNotLieInTheBlock) {
  Fixture<std::string_view, std::uint64_t> fixture;
  std::string key = "before";
  fixture.emitter.emit(key, 1);
  key = "after!";
  fixture.emitter.flush();
  EXPECT_EQ(fixture.taker.kept.at(0).key, "before");
}

TEST(Emitter, LendsWhatLiesInTheBlock) {
  Fixture<std::string_view, std::string_view> fixture;
  std::string block = "key value";
  fixture.emitter.begin_block(block);
  fixture.emitter.emit(std::string_view(block).substr(0, 3), std::string_view(block).substr(4));
  block[0] = 'K';  // Seen by the receiver: the bytes were not copied.
  fixture.emitter.end_block();
  EXPECT_EQ(fixture.taker.kept.at(0).key, "Key");
  EXPECT_EQ(fixture.taker.kept.at(0).value, "value");
}

TEST(Emitter, CopiesOnceTheBlockIsGone) {
  Fixture<std::string_view, std::uint64_t> fixture;
  std::string block = "key";
  fixture.emitter.begin_block(block);
  fixture.emitter.end_block();
  fixture.emitter.emit(block, 1);
  block = "new";
  fixture.emitter.flush();
  EXPECT_EQ(fixture.taker.kept.at(0).key, "key");
}

TEST(Emitter, TakesPairsThatFillItsMemoryAgainAndAgain) {
  Fixture<std::string_view, std::string_view> fixture;
  std::vector<std::pair<std::string, std::string>> given;
  for (std::size_t i = 0; i < 300; ++i) {
    given.emplace_back(std::string(i * 137 % 40000, static_cast<char>('a' + i % 26)),
                       std::string(i * 7919 % 50000, static_cast<char>('A' + i % 26)));
    fixture.emitter.emit(given.back().first, given.back().second);
  }
  fixture.emitter.flush();
  ASSERT_EQ(fixture.taker.kept.size(), given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    ASSERT_EQ(fixture.taker.kept[i].key, given[i].first) << i;
    ASSERT_EQ(fixture.taker.kept[i].value, given[i].second) << i;
  }
}

TEST(Emitter, EncodesKeysAndValuesThatAreNoStrings) {
  Fixture<std::pair<std::string, int>, std::vector<int>> fixture;
  fixture.emitter.emit({"a", 1}, {1, 2});
  fixture.emitter.flush();
  Bytes key;
  encode_key(std::pair<std::string, int>("a", 1), key);
  EXPECT_EQ(fixture.taker.kept.at(0).key, key.view());
  EXPECT_EQ(fixture.taker.kept.at(0).value, "\x02\x02\x04");
}

TEST(Emitter, RefusesAPairThatNoRunCouldHold) {
  Fixture<std::string_view, std::string_view> fixture;
  const std::string half((32u << 20) + 1, 'x');
  EXPECT_THROW(fixture.emitter.emit(half, half), std::length_error);
  EXPECT_NO_THROW(fixture.emitter.emit(half, ""));
}

// ---- through a whole job -------------------------------------------------------------------

/// Emits empty keys and values of every origin.
struct EmptyKeys {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    out.emit(std::string_view(), 1);
    out.emit("", 1);
    out.emit(line.substr(line.size()), 1);
    out.emit(std::string(), 1);
  }
  void reduce(std::string_view key, Values<std::uint64_t>& ones, Writer& out) {
    out.write(key.size(), sum(ones));
  }
};
struct CombinedEmptyKeys : EmptyKeys {
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
};

TEST(EmittedPairs, MayHaveEmptyKeys) {
  EXPECT_EQ(testing::run<EmptyKeys>({.input = "a\n\nb\n"}).output(), "0\t12\n");
  EXPECT_EQ(testing::run<CombinedEmptyKeys>({.input = "a\n\nb\n"}).output(), "0\t12\n");
}

struct FinishOnly {
  void map(std::string_view line, Emitter<std::string, std::string>&) { last_ = line; }
  void finish(Emitter<std::string, std::string>& out) { out.emit("last", last_); }
  std::string last_;
};

TEST(EmittedPairs, MayComeFromFinish) {
  EXPECT_EQ(testing::run<FinishOnly>({.input = "a\nb\n", .split_bytes = 1}).output(),
            "last\ta\nlast\tb\n");
}

struct TwoOutputs {
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) {
    if (line.size() % 2 == 0) {
      out.emit(line);
    } else {
      out.to("odd").write_line(line);
    }
  }
};

TEST(EmittedPairs, GoBesideNamedOutputs) {
  const auto result = testing::run<TwoOutputs>({.input = "a\nbb\nccc\n"});
  EXPECT_EQ(result.output(), "bb\n");
  EXPECT_EQ(result.outputs.at("odd"), "a\nccc\n");
}

}  // namespace
}  // namespace fanfold
