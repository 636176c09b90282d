#include "common/proto/output_list.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "common/core/limits.hpp"

namespace fanfold::proto {
namespace {

OutputList some_list(std::uint32_t outputs, std::uint32_t holders) {
  OutputList list;
  for (std::uint32_t i = 0; i < holders; ++i) {
    const std::string name = std::to_string(i * 7919);
    list.holders.push_back({WorkerId{i + 1}, "host" + std::to_string(i / 100),
                            "/var/tmp/scratch/worker-" + name, "ipc:///run/data/" + name});
  }
  std::mt19937_64 random(outputs);
  for (std::uint32_t i = 0; i < outputs; ++i) {
    const std::uint64_t attempt = (std::uint64_t{3} << 40) + i + random() % 100;
    list.outputs.push_back({i * 2, {attempt}, static_cast<std::uint32_t>(random() % holders)});
  }
  return list;
}

/// Whom an output lies with, whatever the place in the table.
void expect_same(const OutputList& got, const OutputList& wanted) {
  ASSERT_EQ(got.outputs.size(), wanted.outputs.size());
  for (std::size_t i = 0; i < wanted.outputs.size(); ++i) {
    ASSERT_EQ(got.outputs[i].split, wanted.outputs[i].split);
    ASSERT_EQ(got.outputs[i].attempt, wanted.outputs[i].attempt);
    const Holder& holder = got.holders.at(got.outputs[i].holder);
    const Holder& other = wanted.holders[wanted.outputs[i].holder];
    ASSERT_EQ(holder.worker, other.worker);
    ASSERT_EQ(holder.host_id, other.host_id);
    ASSERT_EQ(holder.scratch, other.scratch);
    ASSERT_EQ(holder.data_endpoint, other.data_endpoint);
  }
}

OutputList unpacked(const std::vector<std::string>& pages) {
  OutputUnpacker unpacker;
  for (const std::string& page : pages) EXPECT_TRUE(unpacker.add(page).ok());
  return unpacker.take();
}

// Workers of the version before read it too: a change here is another message.
TEST(OutputListTest, HasTheBytesThatItAlwaysHad) {
  OutputList list;
  list.holders = {{WorkerId{5}, "h1", "/s/a", "ipc:///d/a"},
                  {WorkerId{300}, "h1", "/s/b", "ipc:///d/b"}};
  list.outputs = {{0, {(1ull << 40) + 1}, 0}, {3, {(1ull << 40) + 9}, 1}};
  const std::vector<std::string> pages = pack_outputs(list, 1u << 20);
  ASSERT_EQ(pages.size(), 1u);
  std::string hex;
  for (const unsigned char byte : pages[0]) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  EXPECT_EQ(hex,
            "02050002683100042f732f61000a6970633a2f2f2f642f61ac0202000301"
            "62090162020082808080804000031001");
}

TEST(OutputListTest, ComesBackFromOnePageAndFromMany) {
  const OutputList list = some_list(20'000, 300);
  const std::vector<std::string> one = pack_outputs(list, 1u << 30);
  EXPECT_EQ(one.size(), 1u);
  expect_same(unpacked(one), list);
  const std::vector<std::string> many = pack_outputs(list, 4096);
  EXPECT_GT(many.size(), 10u);
  const OutputList back = unpacked(many);
  expect_same(back, list);
  EXPECT_EQ(back.holders.size(), 300u) << "a holder of many pages is one";
}

TEST(OutputListTest, IsSmall) {
  const std::vector<std::string> pages = pack_outputs(some_list(15'000, 1'746));
  std::size_t bytes = 0;
  for (const std::string& page : pages) bytes += page.size();
  EXPECT_LT(bytes, 15'000u * 5 + 1'746u * 30);
}

TEST(OutputListTest, AnEmptyOneIsOnePage) {
  const std::vector<std::string> pages = pack_outputs({});
  ASSERT_EQ(pages.size(), 1u);
  EXPECT_TRUE(unpacked(pages).outputs.empty());
}

TEST(OutputListTest, ExtremesComeBack) {
  OutputList list;
  list.holders = {
      {WorkerId{std::numeric_limits<std::uint64_t>::max()}, "", std::string(4000, 'x'), ""},
      {WorkerId{1}, "h", std::string(4000, 'x') + "y", "e"}};
  list.outputs = {{0, {std::numeric_limits<std::uint64_t>::max()}, 1},
                  {limits::kSplits - 1, {0}, 0}};
  expect_same(unpacked(pack_outputs(list)), list);
}

TEST(OutputListTest, DamageIsRefusedAndNeverMoreThanThat) {
  const std::string good = pack_outputs(some_list(200, 9))[0];
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(OutputUnpacker().add(good.substr(0, size)).code(), StatusCode::kCorruption);
  }
  EXPECT_FALSE(OutputUnpacker().add(good + "x").ok());
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    OutputUnpacker unpacker;
    if (!unpacker.add(bad).ok()) continue;
    const OutputList list = unpacker.take();
    for (const MapOutput& output : list.outputs) ASSERT_LT(output.holder, list.holders.size());
  }
}

TEST(OutputListTest, PagesOutOfOrderAreRefused) {
  const std::vector<std::string> pages = pack_outputs(some_list(5'000, 5), 4096);
  OutputUnpacker unpacker;
  EXPECT_TRUE(unpacker.add(pages[1]).ok());
  EXPECT_FALSE(unpacker.add(pages[0]).ok());
}

}  // namespace
}  // namespace fanfold::proto
