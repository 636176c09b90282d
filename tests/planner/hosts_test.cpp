// Plans over files that lie on hosts: what workers there have listed.

#include "tests/planner/planner_fixture.hpp"

namespace fanfold::master {
namespace {

class HostPlans : public PlannerTest {
 protected:
  void on_host(const std::string& host, const std::string& path, std::uint64_t size,
               io::Compression compression = io::Compression::kNone) {
    InputFile file;
    file.path = "host://" + host + path;
    file.size = size;
    file.compression = compression;
    listing_.files[kInput].push_back(file);
  }
  Result<Plan> plan_on_hosts(std::vector<std::string> inputs = {kInput}) {
    spec_.inputs = std::move(inputs);
    return make_plan(io::posix_file_system(), spec_, limits_, &listing_);
  }
  static std::vector<std::string> hosts_of(const Plan& plan) {
    std::vector<std::string> hosts;
    for (const proto::Split& split : plan.splits) {
      for (const io::Piece& piece : split.pieces) {
        EXPECT_EQ(host_of(piece.path), host_of(split.pieces.front().path));
      }
      hosts.emplace_back(host_of(split.pieces.front().path));
    }
    return hosts;
  }

  static constexpr const char* kInput = "host://*/var/log/*.log";
  HostListing listing_;
};

TEST_F(HostPlans, HaveNoSplitOfTwoHosts) {
  on_host("a", "/var/log/1.log", 10);
  on_host("a", "/var/log/2.log", 10);
  on_host("b", "/var/log/1.log", 10);
  const auto plan = plan_on_hosts();
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(hosts_of(*plan), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(plan->splits[0].pieces.size(), 2u);
  EXPECT_EQ(plan->input_files, 3u);
}

TEST_F(HostPlans, CutLargeFilesThatAreNotCompressed) {
  spec_.split_bytes = 100;
  on_host("a", "/var/log/1.log", 250);
  on_host("b", "/var/log/1.log", 250, io::Compression::kGzip);
  const auto plan = plan_on_hosts();
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(hosts_of(*plan), (std::vector<std::string>{"a", "a", "a", "b"}));
  EXPECT_EQ(plan->splits[3].pieces[0].compression, io::Compression::kGzip);
}

TEST_F(HostPlans, DoNotCutCsvWhoseQuotesNobodyCounted) {
  spec_.format = abi::RecordFormat::kCsv;
  spec_.split_bytes = 100;
  on_host("a", "/var/log/1.log", 250);
  const auto plan = plan_on_hosts();
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->splits.size(), 1u);
  ASSERT_EQ(plan->notes.size(), 1u);
  EXPECT_NE(plan->notes[0].find("one task reads all of it"), std::string::npos);
}

TEST_F(HostPlans, SampleWhereMostOfTheInputLies) {
  spec_.partitioning = abi::Partitioning::kRange;
  spec_.partitions = 4;
  on_host("a", "/var/log/1.log", 1'000);
  on_host("b", "/var/log/1.log", 200'000);
  on_host("b", "/var/log/2.log", 300'000);
  const auto plan = plan_on_hosts();
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  ASSERT_FALSE(plan->sample.pieces.empty());
  for (const io::Piece& piece : plan->sample.pieces) EXPECT_EQ(host_of(piece.path), "b");
}

TEST_F(HostPlans, MayHaveOtherInputsBesides) {
  on_host("a", "/var/log/1.log", 10);
  const auto plan = plan_on_hosts({write("here", "x\n"), kInput});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(hosts_of(*plan), (std::vector<std::string>{"", "a"}));
}

TEST_F(HostPlans, KeepTheTagsOfInputs) {
  spec_.input_tags = {"left"};
  on_host("a", "/var/log/1.log", 10);
  const auto plan = plan_on_hosts({std::string("left=") + kInput});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->splits[0].pieces[0].tag, "left");
}

TEST_F(HostPlans, AreRefusedWhereNobodyCanAskTheHosts) {
  expect_refused({kInput}, StatusCode::kInvalidArgument, {kInput, "lies on hosts"});
}

TEST_F(HostPlans, MayBeMadeOfLists) {
  on_host("a", "/var/log/1.log", 10);
  write("here", "x\n");
  const std::string list = "@" + write("list", std::string("here\n") + kInput + "\n");
  const auto plan = plan_on_hosts({list});
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(hosts_of(*plan), (std::vector<std::string>{"", "a"}));
}

TEST_F(HostPlans, NeedWhatListsNameOnHosts) {
  spec_.input_tags = {"left"};
  write("here", "x\n");
  const std::string list = write("list", std::string("left=") + kInput + "\nleft=here\n# no\n");
  const std::string untagged = write("untagged", "host://b/x\n");
  EXPECT_FALSE(names_inputs_in_files(spec_));
  spec_.inputs = {"left=host://a/x", "left=gone", "@" + list, "left=@" + untagged,
                  std::string("left=") + kInput};
  EXPECT_TRUE(names_inputs_in_files(spec_));
  const auto found = find_host_inputs(io::posix_file_system(), spec_);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(*found, (std::vector<std::string>{"host://a/x", kInput, "host://b/x"}));
  spec_.inputs = {"@" + write("bad", "left=host://a/../x\n")};
  const auto refused = find_host_inputs(io::posix_file_system(), spec_);
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("in list"), std::string::npos);
}

}  // namespace
}  // namespace fanfold::master
