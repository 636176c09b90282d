// The checker of I15 bites.

#include "sim/check/exclusion.hpp"

#include <gtest/gtest.h>

namespace fanfold::sim {
namespace {

std::vector<proto::WorkerStatus> cluster_of(std::size_t workers, std::size_t excluded) {
  std::vector<proto::WorkerStatus> list(workers);
  for (std::size_t i = 0; i < excluded; ++i) {
    list[i].standing = proto::WorkerStanding::kExcluded;
    list[i].excluded_ms = 60'000;
  }
  return list;
}

TEST(WrongExclusion, IsMoreThanAThirdButForOne) {
  EXPECT_FALSE(wrong_exclusion(cluster_of(10, 0)));
  EXPECT_FALSE(wrong_exclusion(cluster_of(2, 1)));
  EXPECT_FALSE(wrong_exclusion(cluster_of(10, 3)));
  EXPECT_TRUE(wrong_exclusion(cluster_of(10, 4)));
  EXPECT_TRUE(wrong_exclusion(cluster_of(4, 2)));
}

TEST(WrongExclusion, IsAllOfThem) { EXPECT_TRUE(wrong_exclusion(cluster_of(1, 1))); }

TEST(WrongExclusion, DoesNotCountThoseThatLeave) {
  std::vector<proto::WorkerStatus> workers = cluster_of(2, 1);
  workers[1].draining = true;
  EXPECT_TRUE(wrong_exclusion(workers));
}

TEST(WrongExclusion, IsOneWithoutAnEnd) {
  std::vector<proto::WorkerStatus> workers = cluster_of(10, 1);
  workers[0].excluded_ms = 3'600'000;
  EXPECT_TRUE(wrong_exclusion(workers));
}

}  // namespace
}  // namespace fanfold::sim
