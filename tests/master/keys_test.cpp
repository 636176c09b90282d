// The keys that maps tell of: added up over maps, in the status, on the board and in the event log.

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "master/service/emission_sum.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using Json = nlohmann::json;

proto::Emission emission(std::uint64_t bytes, std::vector<proto::HotKey> keys) {
  return {.bytes = bytes, .partition_bytes = {bytes, 0}, .hot_keys = std::move(keys)};
}
proto::HotKey key(const std::string& text, std::uint64_t hash, std::uint64_t bytes) {
  return {.key = text, .hash = hash, .partition = 0, .bytes = bytes};
}

TEST(EmissionSum, AddsUpKeysOfSeveralMaps) {
  EmissionSum sum;
  sum.add(emission(100, {key("a", 1, 60), key("b", 2, 30)}), 2);
  sum.add(emission(50, {key("b", 2, 40)}), 2);
  const proto::Emission total = sum.total();
  EXPECT_EQ(total.bytes, 150u);
  EXPECT_THAT(total.partition_bytes, testing::ElementsAre(150u, 0u));
  ASSERT_EQ(total.hot_keys.size(), 2u);
  EXPECT_EQ(total.hot_keys[0].key, "b");
  EXPECT_EQ(total.hot_keys[0].bytes, 70u);
}

TEST(EmissionSum, KeepsTheLargeOnesOfVeryManyKeys) {
  EmissionSum sum;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    sum.add(emission(1100, {key("hot", 1, 1000), key("cold", 2 + i, 1)}), 2);
  }
  const proto::Emission total = sum.total();
  EXPECT_EQ(total.hot_keys.size(), proto::Emission::kKeysTold);
  EXPECT_EQ(total.hot_keys[0].key, "hot");
  // Each time that the many were dropped, it lost as much as they had.
  EXPECT_GT(total.hot_keys[0].bytes, 19'900'000u);
  EXPECT_LE(total.hot_keys[0].bytes, 20'000'000u);
}

TEST(EmissionSum, BelievesNoImpossibleNumbers) {
  EmissionSum sum;
  proto::HotKey nowhere = key("nowhere", 3, 5);
  nowhere.partition = 7;
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  sum.add(emission(kMost, {key("a", 1, kMost), nowhere}), 2);
  sum.add(emission(kMost, {key("a", 1, kMost)}), 2);
  EXPECT_EQ(sum.total().bytes, kMost);
  ASSERT_EQ(sum.total().hot_keys.size(), 1u);
  EXPECT_EQ(sum.total().hot_keys[0].bytes, kMost);

  proto::Emission huge = emission(1, std::vector<proto::HotKey>(1000, key("x", 1, 1)));
  huge.hot_keys.front().key = std::string(100'000, 'x');
  huge.partition_bytes.resize(100'000);
  trim(&huge);
  EXPECT_EQ(huge.hot_keys.size(), proto::Emission::kKeysTold);
  EXPECT_LE(huge.hot_keys.front().key.size(), 256u);
  EXPECT_TRUE(huge.partition_bytes.empty());
}

TEST(EmissionSum, TellsNoBytesByPartitionWhenAMapDidNot) {
  EmissionSum sum;
  sum.add(emission(100, {}), 2);
  sum.add({}, 2);
  EXPECT_FALSE(sum.total().partition_bytes.empty());
  sum.add(kept(emission(100, {})), 2);
  EXPECT_TRUE(sum.total().partition_bytes.empty());
  EXPECT_EQ(sum.total().bytes, 200u);
}

TEST(Emission, IsKeptAsAFewKeysOfWeight) {
  std::vector<proto::HotKey> keys;
  for (std::uint64_t i = 0; i < 16; ++i) keys.push_back(key("k", i, 1600 - 100 * i));
  proto::Emission told = emission(20'000, keys);
  told.partition_bytes.resize(64);
  EXPECT_TRUE(kept(told).partition_bytes.empty());
  EXPECT_EQ(kept(told).bytes, 20'000u);
  ASSERT_EQ(kept(told).hot_keys.size(), 4u);
  EXPECT_EQ(kept(told).hot_keys[3].bytes, 1300u);
  told.bytes = 150'000;
  EXPECT_EQ(kept(told).hot_keys.size(), 2u);
}

class KeysTest : public MasterTest {
 protected:
  std::vector<Json> log_of(JobId job) {
    std::vector<Json> lines;
    std::ifstream file(directory().path("events/job-" + std::to_string(job.value) + ".jsonl"));
    for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
    return lines;
  }
};

TEST_F(KeysTest, AreInTheStatusAndTheEventLogOfTheJob) {
  start_master();
  FakeWorker worker(address(), {});
  worker.introduce();
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(2, 1));
  for (int i = 0; i < 2; ++i) {
    const proto::TaskAssignment map = worker.expect_task();
    proto::AttemptReport report;
    report.output_empty = true;
    report.emission = {.bytes = 100,
                       .partition_bytes = {100},
                       .hot_keys = {{.key = "\"<b>\"", .hash = 5, .partition = 0, .bytes = 80}}};
    EXPECT_TRUE(worker.commit(map, report));
  }
  worker.do_tasks(1);
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.emission.bytes, 200u);
  ASSERT_EQ(status.emission.hot_keys.size(), 1u);
  EXPECT_EQ(status.emission.hot_keys[0].bytes, 160u);

  std::size_t told = 0;
  for (const Json& line : log_of(job)) {
    if (line["event"] != "keys.measured") continue;
    ++told;
    EXPECT_EQ(line["bytes"], 200);
    EXPECT_EQ(line["partition_bytes"], Json({200}));
    EXPECT_EQ(line["keys"], Json::parse(R"([{"key":"\"<b>\"","partition":0,"bytes":160}])"));
  }
  EXPECT_EQ(told, 1u);
}

TEST_F(KeysTest, SurviveTheMaster) {
  start_master();
  FakeClient client(address());
  {
    FakeWorker worker(address(), {});
    worker.introduce();
    client.submit(spec_with_splits(2, 1));
    proto::AttemptReport report;
    report.emission = {.bytes = 100,
                       .partition_bytes = {100},
                       .hot_keys = {{.key = "\"a\"", .hash = 5, .partition = 0, .bytes = 80}}};
    EXPECT_TRUE(worker.commit(worker.expect_task(), report));
  }
  crash_master();
  start_master();
  FakeClient again(address());
  const proto::JobStatus status = again.status({1});
  EXPECT_EQ(status.emission.bytes, 100u);
  EXPECT_TRUE(status.emission.partition_bytes.empty());
  ASSERT_EQ(status.emission.hot_keys.size(), 1u);
  EXPECT_EQ(status.emission.hot_keys[0].key, "\"a\"");
}

}  // namespace
}  // namespace fanfold::master
