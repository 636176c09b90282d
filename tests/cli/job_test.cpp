// What a command line says about a job: its plugin, parameters and paths.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/job/job_source.hpp"
#include "cli/job/job_spec.hpp"
#include "cli/job/parameters.hpp"

namespace fanfold::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

abi::Parameter parameter(const std::string& name, abi::ParameterType type,
                         const std::string& fallback) {
  abi::Parameter result;
  result.name = name;
  result.type = type;
  result.default_value = fallback;
  result.help = "Help of " + name + ".";
  return result;
}

abi::JobInfo example() {
  abi::JobInfo job;
  job.name = "example";
  job.parameters = {parameter("count", abi::ParameterType::kInteger, "3"),
                    parameter("ratio", abi::ParameterType::kNumber, "0.5"),
                    parameter("exact", abi::ParameterType::kBoolean, "false"),
                    parameter("unit", abi::ParameterType::kString, "word")};
  job.parameters[3].choices = {"word", "line"};
  return job;
}

Result<proto::Parameters> complete(const std::vector<std::string>& given,
                                   const abi::JobInfo& job = example()) {
  return complete_parameters(job, given);
}

std::string refusal(const std::vector<std::string>& given, const abi::JobInfo& job = example()) {
  const auto parameters = complete(given, job);
  EXPECT_FALSE(parameters.ok());
  EXPECT_EQ(parameters.status().code(), StatusCode::kInvalidArgument);
  return parameters.status().message();
}

TEST(JobParameters, FillInDefaults) {
  EXPECT_THAT(*complete({}), ElementsAre(Pair("count", "3"), Pair("exact", "false"),
                                         Pair("ratio", "0.5"), Pair("unit", "word")));
}

TEST(JobParameters, TakeWhatIsGiven) {
  const auto parameters = complete({"count=-7", "ratio=1e3", "unit=line"});
  ASSERT_TRUE(parameters.ok()) << parameters.status().message();
  EXPECT_EQ(parameters->at("count"), "-7");
  EXPECT_EQ(parameters->at("ratio"), "1e3");
  EXPECT_EQ(parameters->at("unit"), "line");
}

TEST(JobParameters, ReadBooleansAsPeopleWriteThem) {
  EXPECT_EQ(complete({"exact=yes"})->at("exact"), "true");
  EXPECT_EQ(complete({"exact=0"})->at("exact"), "false");
}

TEST(JobParameters, KeepEqualSignsInValues) {
  abi::JobInfo job;
  job.parameters = {parameter("pattern", abi::ParameterType::kString, "")};
  EXPECT_EQ(complete({"pattern=a=b"}, job)->at("pattern"), "a=b");
}

TEST(JobParameters, NameParameterValueAndTypeWhenTheTypeIsWrong) {
  const std::string message = refusal({"count=many"});
  EXPECT_THAT(message, HasSubstr("'count'"));
  EXPECT_THAT(message, HasSubstr("'many'"));
  EXPECT_THAT(message, HasSubstr("integer"));
  EXPECT_THAT(refusal({"ratio=half"}), HasSubstr("number"));
  EXPECT_THAT(refusal({"exact=maybe"}), HasSubstr("true or false"));
  EXPECT_THAT(refusal({"count=99999999999999999999"}), HasSubstr("integer"));
  EXPECT_THAT(refusal({"count="}), HasSubstr("integer"));
}

TEST(JobParameters, ListTheChoices) {
  EXPECT_THAT(refusal({"unit=lines"}), HasSubstr("word or line"));
}

TEST(JobParameters, SuggestTheNameThatWasMeant) {
  EXPECT_THAT(refusal({"cuont=3"}), HasSubstr("Did you mean 'count'?"));
  EXPECT_THAT(refusal({"zzzzzz=3"}), HasSubstr("It takes count, ratio, exact and unit."));
  EXPECT_THAT(refusal({"x=1"}, abi::JobInfo{}), HasSubstr("It takes none."));
}

TEST(JobParameters, RefuseWordsThatAreNoAssignment) {
  EXPECT_THAT(refusal({"count"}), HasSubstr("NAME=VALUE"));
  EXPECT_THAT(refusal({"=3"}), HasSubstr("NAME=VALUE"));
}

TEST(JobParameters, RefuseAParameterGivenTwice) {
  EXPECT_THAT(refusal({"count=1", "count=2"}), HasSubstr("given twice"));
}

TEST(JobParameters, SayWhatARequiredOneIsFor) {
  abi::JobInfo job = example();
  job.parameters[0].required = true;
  const std::string message = refusal({}, job);
  EXPECT_THAT(message, HasSubstr("needs parameter 'count': Help of count."));
  EXPECT_THAT(message, HasSubstr("--param count=VALUE"));
}

class JobSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "/fanfold-job-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    prefix_ = path;
    std::filesystem::create_directories(prefix_ + "/bin");
    std::filesystem::create_directories(prefix_ + "/lib/fanfold/jobs");
    for (const char* name : {"sort.so", "grep.so", "README"}) {
      std::ofstream(prefix_ + "/lib/fanfold/jobs/" + name) << "x";
    }
  }
  void TearDown() override { std::filesystem::remove_all(prefix_); }

  Result<JobSource> find(const std::string& job, std::optional<std::string> plugin = {}) {
    return find_job_source(prefix_ + "/bin", job, plugin);
  }
  std::string prefix_;
};

TEST_F(JobSourceTest, FindsBundledJobsBesideTheProgram) {
  EXPECT_THAT(bundled_jobs(prefix_ + "/bin"), ElementsAre("grep", "sort"));
  const auto source = find("sort");
  ASSERT_TRUE(source.ok()) << source.status().message();
  EXPECT_EQ(source->plugin, prefix_ + "/lib/fanfold/jobs/sort.so");
  EXPECT_TRUE(source->bundled);
}

TEST_F(JobSourceTest, SuggestsTheBundledJobThatWasMeant) {
  const auto source = find("srot");
  ASSERT_FALSE(source.ok());
  EXPECT_THAT(source.status().message(), HasSubstr("Did you mean 'sort'?"));
}

TEST_F(JobSourceTest, SplitsAPluginPathFromTheNameOfAJobInIt) {
  EXPECT_EQ(find("./my.so")->plugin, "./my.so");
  EXPECT_EQ(find("./my.so")->job_name, "");
  EXPECT_EQ(find("my.so:second")->plugin, "my.so");
  EXPECT_EQ(find("my.so:second")->job_name, "second");
  EXPECT_EQ(find("/a.so:x/my.so")->plugin, "/a.so:x/my.so");
  EXPECT_EQ(find("dir/plugin")->plugin, "dir/plugin");
}

TEST_F(JobSourceTest, TakesTheJobFromTheFileThatIsNamed) {
  const auto source = find("second", "lib.so");
  ASSERT_TRUE(source.ok());
  EXPECT_EQ(source->plugin, "lib.so");
  EXPECT_EQ(source->job_name, "second");
}

TEST(AbsolutePath, CleansWhatDoesNotDependOnLinks) {
  EXPECT_EQ(absolute_path("/data", "a/b"), "/data/a/b");
  EXPECT_EQ(absolute_path("/data", "/a//b/"), "/a/b");
  EXPECT_EQ(absolute_path("/data", "./a/./b"), "/data/a/b");
  EXPECT_EQ(absolute_path("/data", "a/../b"), "/data/a/../b");
  EXPECT_EQ(absolute_path("/data", "."), "/data");
  EXPECT_EQ(absolute_path("/", "/"), "/");
}

TEST(StandardInput, IsADashOrATaggedDash) {
  EXPECT_TRUE(is_standard_input("-"));
  EXPECT_TRUE(is_standard_input("left=-"));
  EXPECT_FALSE(is_standard_input("/data/left=-"));
  EXPECT_FALSE(is_standard_input("a=b=-"));
  EXPECT_FALSE(is_standard_input("/-"));
}

class StandardInputCopy : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::pipe(data_), 0);
    ASSERT_EQ(::pipe(interrupt_), 0);
    path_ = testing::TempDir() + "/fanfold-stdin-" + std::to_string(::getpid());
    ::unlink(path_.c_str());
    spec_.inputs = {"/a", "right=-"};
  }
  void TearDown() override {
    for (const int fd : {data_[0], data_[1], interrupt_[0], interrupt_[1]}) ::close(fd);
    ::unlink(path_.c_str());
  }
  int data_[2] = {-1, -1};
  int interrupt_[2] = {-1, -1};
  std::string path_;
  InterruptCheck check(bool happened) const {
    return {interrupt_[0], [happened] { return happened; }};
  }
  proto::JobSpec spec_;
};

TEST_F(StandardInputCopy, BecomesAFileThatIsTheInput) {
  ASSERT_EQ(::write(data_[1], "hello", 5), 5);
  ::close(std::exchange(data_[1], -1));
  const Status status = copy_standard_input(data_[0], path_, check(true), &spec_);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_THAT(spec_.inputs, ElementsAre("/a", "right=" + path_));
  std::stringstream text;
  text << std::ifstream(path_).rdbuf();
  EXPECT_EQ(text.str(), "hello");
}

TEST_F(StandardInputCopy, EndsAtAnInterrupt) {
  ASSERT_EQ(::write(interrupt_[1], "x", 1), 1);
  EXPECT_EQ(copy_standard_input(data_[0], path_, check(true), &spec_).code(), StatusCode::kAborted);
}

// A child that ended raises the same descriptor.
TEST_F(StandardInputCopy, GoesOnWhenItWasNoInterrupt) {
  ASSERT_EQ(::write(interrupt_[1], "x", 1), 1);
  ASSERT_EQ(::write(data_[1], "hello", 5), 5);
  ::close(std::exchange(data_[1], -1));
  const Status status = copy_standard_input(data_[0], path_, check(false), &spec_);
  EXPECT_TRUE(status.ok()) << status.message();
}

}  // namespace
}  // namespace fanfold::cli
