// Homes of partitions hear of map outputs, and what of them came early is told of the job.

#include <gmock/gmock.h>

#include "common/proto/output_list.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using testing::ElementsAre;

TEST_F(MasterTest, TellsTheHomesOfPartitionsWhatHasCommitted) {
  start_master();
  FakeWorker older(address(),
                   {.name = "older", .protocol = proto::kProtocolBefore, .host_id = "b"});
  FakeWorker newer(address(), {.name = "newer", .host_id = "a"});
  FakeClient client(address());
  proto::JobSpec spec = spec_with_splits(2, 2);
  spec.shuffle_mode = proto::ShuffleMode::kPush;
  const JobId job = client.submit(spec);
  const proto::TaskAssignment map = older.expect_task();
  older.do_task(map);
  const auto told = newer.expect<proto::HomeOutputs>();
  EXPECT_EQ(told.job, job);
  EXPECT_THAT(told.partitions, ElementsAre(0, 1));
  EXPECT_FALSE(told.over_network);
  EXPECT_EQ(told.segment_bytes_max, 0u);
  proto::OutputUnpacker unpacker;
  ASSERT_TRUE(unpacker.add(told.packed).ok());
  const proto::OutputList list = unpacker.take();
  ASSERT_EQ(list.outputs.size(), 1u);
  EXPECT_EQ(list.outputs[0].attempt, map.attempt);
  EXPECT_EQ(list.holders[list.outputs[0].holder].data_endpoint, older.hello().data_endpoint);
  EXPECT_EQ(client.status(job).shuffle.mode, proto::ShuffleMode::kPush);
}

TEST_F(MasterTest, RefusesAModeOfTheShuffleThatItDoesNotKnow) {
  start_master();
  FakeClient client(address());
  proto::JobSpec odd = spec(1);
  odd.shuffle_mode = static_cast<proto::ShuffleMode>(4);
  EXPECT_NE(client.try_submit(odd).code, 0);
}

}  // namespace
}  // namespace fanfold::master
