// `fanfold verify`: an output that is what the job wrote, and each way in which it is not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

class Verify : public testing::Test {
 protected:
  void SetUp() override {
    workspace_.write("in.txt", make_text(1, 2000));
    const Outcome outcome = run(workspace_, {"run", "word_count", "in.txt", "-o", "out", "-r", "3",
                                             "--split-bytes", "7K", "--workers", "2", "--quiet"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  }
  std::string part(int number) const {
    return "out/part-0000" + std::to_string(number) + "-of-00003";
  }
  Outcome verify() { return run(workspace_, {"verify", "out"}); }
  void flip_a_byte_of(const std::string& name) {
    std::string bytes = workspace_.read(name);
    bytes[bytes.size() / 2] ^= 1;
    workspace_.write(name, bytes);
  }

  Workspace workspace_;
};

TEST_F(Verify, FindsAFreshOutputCompleteAndUnchanged) {
  const Outcome outcome = verify();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(outcome.out, HasSubstr("2000 records mapped once each"));
  EXPECT_THAT(outcome.out, HasSubstr("with the same digest"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("FAILED")));
  const Json json = Json::parse(run(workspace_, {"verify", "out", "--json"}).out);
  EXPECT_EQ(json["holds"], true);
  EXPECT_EQ(json["ledger"], true);
  EXPECT_EQ(json["checks"].size(), 8u);
}

TEST_F(Verify, NamesAPartWithAFlippedByte) {
  flip_a_byte_of(part(1));
  const Outcome outcome = verify();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("FAILED  part-00001-of-00003 has other bytes"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("part-00000")));
}

TEST_F(Verify, NamesEveryPartThatIsMissingShortenedOrStrange) {
  std::filesystem::remove(workspace_.path(part(0)));
  std::filesystem::resize_file(workspace_.path(part(2)), 5);
  workspace_.write("out/part-00003-of-00003", "more");
  const Outcome outcome = verify();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("part-00000-of-00003 is missing"));
  EXPECT_THAT(outcome.out, HasSubstr("part-00002-of-00003 has 5 bytes"));
  EXPECT_THAT(outcome.out, HasSubstr("part-00003-of-00003 was not written by the job"));
  const Json json = Json::parse(run(workspace_, {"verify", "out", "--json"}).out);
  EXPECT_EQ(json["holds"], false);
}

TEST_F(Verify, TellsADamagedManifestFromNoOutput) {
  std::filesystem::resize_file(workspace_.path("out/_SUCCESS"), 200);
  EXPECT_EQ(verify().exit_code, 1);
  EXPECT_THAT(verify().err, HasSubstr("_SUCCESS"));
  std::filesystem::remove(workspace_.path("out/_SUCCESS"));
  EXPECT_EQ(verify().exit_code, 2);
  EXPECT_EQ(run(workspace_, {"verify", "nowhere"}).exit_code, 2);
}

TEST_F(Verify, FindsALedgerThatDoesNotAddUp) {
  Json manifest = Json::parse(workspace_.read("out/_SUCCESS"));
  manifest["run"]["ledger"]["records_mapped"] = 1999;
  manifest["run"]["ledger"]["read"]["sum"] = "0000000000000001";
  workspace_.write("out/_SUCCESS", manifest.dump());
  const Outcome outcome = verify();
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("FAILED  1999 records mapped"));
  EXPECT_THAT(outcome.out, HasSubstr("with another digest"));
}

TEST_F(Verify, OfAJobKnowsWhenSomethingElseTookItsPlace) {
  Cluster cluster(workspace_, 1, 2);
  const Outcome first = cluster.run({"run", "word_count", "in.txt", "-o", "kept", "--quiet"});
  ASSERT_EQ(first.exit_code, 0) << first.both();
  EXPECT_EQ(cluster.run({"verify", "1"}).exit_code, 0) << cluster.run({"verify", "1"}).both();
  ASSERT_EQ(cluster
                .run({"run", "grep", "in.txt", "--param", "pattern=a", "-o", "kept", "--on-exists",
                      "replace", "--quiet"})
                .exit_code,
            0);
  const Outcome replaced = cluster.run({"verify", "1"});
  EXPECT_EQ(replaced.exit_code, 1) << replaced.both();
  EXPECT_THAT(replaced.out, HasSubstr("not the output of job 1"));
  EXPECT_EQ(cluster.run({"verify", "2"}).exit_code, 0);
  EXPECT_EQ(cluster.run({"verify", "3"}).exit_code, 2);
}

}  // namespace
}  // namespace fanfold::e2e
