// Which keys a map task tells of: exactly while there is little, closely when there is much, and
// the same in every attempt.

#include <cmath>

#include "tests/exec/exec_fixture.hpp"

namespace fanfold::worker {
namespace {

class HotKeysOfAMap : public ExecFixture {
 protected:
  proto::Emission emission_of(const abi::JobInfo& job, const std::string& text,
                              std::uint32_t partitions = 3) {
    const Run done = run({.job = &job, .inputs = {input("a", text)}, .partitions = partitions});
    EXPECT_TRUE(done.ok()) << done.failure().message;
    return done.report().emission;
  }
  static std::uint64_t sum_of(const std::vector<std::uint64_t>& values) {
    std::uint64_t sum = 0;
    for (const std::uint64_t value : values) sum += value;
    return sum;
  }
};

TEST_F(HotKeysOfAMap, AreCountedExactlyWhileThereAreFewPairs) {
  // CountWords emits eight bytes for each word beside the word itself.
  const proto::Emission emission = emission_of(job_info<CountWords>(), "the cat\nthe dog the\n");
  EXPECT_EQ(emission.bytes, 5u * (3 + 8));
  ASSERT_EQ(emission.hot_keys.size(), 3u);
  EXPECT_EQ(emission.hot_keys[0].key, "\"the\"");
  EXPECT_EQ(emission.hot_keys[0].bytes, 3u * (3 + 8));
  ASSERT_EQ(emission.partition_bytes.size(), 3u);
  EXPECT_EQ(sum_of(emission.partition_bytes), emission.bytes);
  EXPECT_GE(emission.partition_bytes[emission.hot_keys[0].partition], 33u);
}

TEST_F(HotKeysOfAMap, AreFoundAmongVeryManyPairs) {
  // Of a million words, one in ten is hot; the others hardly ever come again.
  std::string text;
  for (int line = 0; line < 100'000; ++line) {
    text += "hot";
    for (int i = 0; i < 9; ++i) text += " w" + std::to_string(1'000'000 + line * 9 + i);
    text += '\n';
  }
  const proto::Emission emission = emission_of(job_info<ListWords>(), text);
  const double exact = 100'000.0 * (3 + 4) + 900'000.0 * (8 + 4);
  EXPECT_NEAR(static_cast<double>(emission.bytes), exact, exact / 20);
  ASSERT_EQ(emission.hot_keys.size(), 1u);
  EXPECT_EQ(emission.hot_keys[0].key, "\"hot\"");
  // Never more than was seen of it; what the sketch takes away is little.
  EXPECT_NEAR(static_cast<double>(emission.hot_keys[0].bytes), 700'000.0, 100'000.0);
}

TEST_F(HotKeysOfAMap, IncludeOneWhoseValuesAreFewAndLarge) {
  // One pair in ten thousand has half of the bytes.
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    text += "k" + std::to_string(i) + " small\n";
    if (i % 10'000 == 5'000) text += "celebrity " + std::string(100'000, 'x') + "\n";
  }
  const proto::Emission emission = emission_of(job_info<ListLines>(), text);
  ASSERT_GE(emission.hot_keys.size(), 1u);
  EXPECT_EQ(emission.hot_keys[0].key, "\"celebrity\"");
  EXPECT_NEAR(static_cast<double>(emission.hot_keys[0].bytes), 1'000'190.0, 100'000.0);
}

TEST_F(HotKeysOfAMap, AreTheSameInEveryAttempt) {
  const std::string text = text_of(5, 50'000, 3'000);
  const proto::Emission first = emission_of(job_info<CountWords>(), text);
  const proto::Emission second = emission_of(job_info<CountWords>(), text);
  EXPECT_EQ(first.bytes, second.bytes);
  ASSERT_EQ(first.hot_keys.size(), second.hot_keys.size());
  for (std::size_t i = 0; i < first.hot_keys.size(); ++i) {
    EXPECT_EQ(first.hot_keys[i].key, second.hot_keys[i].key);
    EXPECT_EQ(first.hot_keys[i].bytes, second.hot_keys[i].bytes);
  }
}

TEST_F(HotKeysOfAMap, DoNotFollowTheRhythmOfAJob) {
  // Eight words a line: whoever looked at every eighth pair would see one word alone.
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "a b c d e f g h\n";
  const proto::Emission emission = emission_of(job_info<ListWords>(), text);
  ASSERT_EQ(emission.hot_keys.size(), 8u);
  for (const proto::HotKey& key : emission.hot_keys) {
    EXPECT_NEAR(static_cast<double>(key.bytes), 1'000'000.0, 120'000.0) << key.key;
  }
}

TEST_F(HotKeysOfAMap, AreFoundAmongVeryManyOtherKeys) {
  std::string text;
  for (int i = 0; i < 400'000; ++i) {
    text += i % 100 == 37  ? "one-percent"
            : i % 143 == 5 ? "less-of-all"
                           : "w" + std::to_string(1'000'000'000 + i);
    text += i % 10 == 9 ? "\n" : " ";
  }
  const proto::Emission emission = emission_of(job_info<ListWords>(), text);
  const auto whole = static_cast<double>(emission.bytes);
  ASSERT_EQ(emission.hot_keys.size(), 2u);
  EXPECT_EQ(emission.hot_keys[0].key, "\"one-percent\"");
  EXPECT_NEAR(static_cast<double>(emission.hot_keys[0].bytes), 0.010 * whole, 0.004 * whole);
  EXPECT_EQ(emission.hot_keys[1].key, "\"less-of-all\"");
}

TEST_F(HotKeysOfAMap, AreTextThatSaysWhereItWasCut) {
  const std::string word(200, 'x');
  const proto::Emission emission = emission_of(job_info<ListWords>(), word + " <b>\n");
  ASSERT_EQ(emission.hot_keys.size(), 2u);
  EXPECT_EQ(emission.hot_keys[0].key, "\"" + std::string(64, 'x') + "...\"");
  EXPECT_EQ(emission.hot_keys[1].key, "\"<b>\"");
}

TEST_F(HotKeysOfAMap, AreFewAndSilentAboutVeryManyPartitions) {
  const proto::Emission emission = emission_of(job_info<ListWords>(), text_of(9, 5'000, 40), 1'000);
  EXPECT_TRUE(emission.partition_bytes.empty());
  EXPECT_LE(emission.hot_keys.size(), proto::Emission::kKeysTold);
  EXPECT_GE(emission.hot_keys.size(), 1u);
}

TEST_F(HotKeysOfAMap, AreNotLookedForWhenNobodyWantsThem) {
  Plan plan{.inputs = {input("a", "the cat\n")}};
  plan.spec.measure_keys = false;
  const Run done = run(plan);
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(done.report().emission.bytes, 0u);
  EXPECT_TRUE(done.report().emission.hot_keys.empty());
  EXPECT_EQ(done.report().emitted, 2u);
}

}  // namespace
}  // namespace fanfold::worker
