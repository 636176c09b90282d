// Flame graphs: widths, names that are no XML, and samples of this very process.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/profile/flame_graph.hpp"
#include "cli/profile/profile.hpp"
#include "cli/profile/stacks.hpp"
#include "common/profile/sample_writer.hpp"
#include "common/profile/sampler.hpp"
#include "common/profile/stack_profile.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const Function kRoot = {"main", Owner::kFanfold};

TEST(FlameGraph, GivesEachFunctionItsShareOfTheWidth) {
  std::map<Stage, Stacks> stages;
  stages[Stage::kMap][{kRoot, {"map", Owner::kUser}}] = 30;
  stages[Stage::kMap][{kRoot, {"read", Owner::kSystem}}] = 10;
  const std::string svg = flame_graph_svg("job", stages);
  EXPECT_THAT(svg, HasSubstr("map: 40 samples"));
  EXPECT_THAT(svg, HasSubstr("<title>map: 75.0 %, 30 samples</title>"));
  EXPECT_THAT(svg, HasSubstr("width=\"900.0\""));
  EXPECT_THAT(svg, HasSubstr("<title>read: 25.0 %, 10 samples</title>"));
  // What all have in common is no news.
  EXPECT_THAT(svg, Not(HasSubstr("<title>main")));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(FlameGraph, EscapesNames) {
  std::map<Stage, Stacks> stages;
  stages[Stage::kMap][{{"f<int>&\"", Owner::kUser}}] = 1;
  const std::string svg = flame_graph_svg("<script>", stages);
  EXPECT_THAT(svg, HasSubstr("f&lt;int&gt;&amp;"));
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
}

TEST(FlameGraph, OfNothingIsAnEmptyPicture) {
  EXPECT_TRUE(flame_graph_svg("job", {}).ends_with("</svg>\n"));
}

StackProfile small_profile() {
  StackProfile profile;
  profile.modules = {{"/lib/a b.so", 10}, {"/lib/c.so", 20}};
  profile.stacks[{Stage::kMap, {{0, 0x1f}, {1, 2}}}] = 3;
  profile.stacks[{Stage::kReduce, {{.offset = 7}}}] = 1;
  profile.left_out = 2;
  return profile;
}

TEST(StackProfile, GoesToAFileAndBack) {
  StackProfile read;
  decode(encode(small_profile()), &read);
  EXPECT_EQ(read.modules, small_profile().modules);
  EXPECT_EQ(read.stacks, small_profile().stacks);
  EXPECT_EQ(read.left_out, 2u);
}

TEST(StackProfile, AddsUpProcessesThatCountTheirModulesOtherwise) {
  StackProfile other;
  other.modules = {{"/lib/c.so", 20}, {"/lib/a b.so", 10}};
  other.stacks[{Stage::kMap, {{1, 0x1f}, {0, 2}}}] = 4;
  StackProfile sum;
  decode(encode(small_profile()) + encode(other), &sum);
  EXPECT_EQ(sum.modules, small_profile().modules);
  EXPECT_EQ(sum.samples(), 8u);
  EXPECT_EQ(sum.stacks.size(), 2u);
}

TEST(StackProfile, PassesOverWhatIsDamaged) {
  const std::string good = encode(small_profile());
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    StackProfile read;
    decode(good.substr(0, cut), &read);
    EXPECT_LE(read.samples(), 4u);
  }
  StackProfile read;
  decode("s 2 1 0:1\nprofile 1 x\nm\ns 9 1 -:1\ns 2 1 5:1\ns 2 1 -:zz\ns 2 1\nrubbish\n", &read);
  EXPECT_EQ(read.samples(), 0u);
}

TEST(StackProfile, NamesTheFileWhereTheHostHasAnother) {
  StackProfile profile;
  profile.modules = {{"/proc/self/exe", 1}};
  profile.stacks[{Stage::kMap, {{0, 0}}}] = 1;
  const auto stages = name_stacks(profile, "/no/plugin");
  EXPECT_EQ(stages.at(Stage::kMap).begin()->first.front().name, "(/proc/self/exe)");
}

/// The file of this process in a directory of samples.
std::string own_samples(const std::string& directory) {
  const std::filesystem::directory_iterator files(directory);
  return files == std::filesystem::directory_iterator() ? std::string() : files->path().string();
}

TEST(StackProfile, CountsWhatAFullFileDoesNotTake) {
  const io::TemporaryDirectory directory;
  ASSERT_TRUE(append_profile(directory.path(), small_profile()).ok());
  EXPECT_EQ(read_profiles(directory.path())->left_out, 2u);
  // A hole is as large as what would be there.
  std::filesystem::resize_file(own_samples(directory.path()), (256u << 20) - 20);
  EXPECT_EQ(append_profile(directory.path(), small_profile()).code(), StatusCode::kExhausted);
  EXPECT_EQ(append_profile(directory.path(), small_profile()).code(), StatusCode::kExhausted);
  const StackProfile read = *read_profiles(directory.path());
  EXPECT_EQ(read.samples(), 4u);
  EXPECT_EQ(read.left_out, 2u + 6u + 6u);
}

TEST(SampleWriter, DoesNotWaitForADirectoryThatHangs) {
  using namespace std::chrono_literals;
  const io::TemporaryDirectory directory;
  ASSERT_TRUE(append_profile(directory.path(), small_profile()).ok());
  // Opening it waits for a reader.
  const std::string file = own_samples(directory.path());
  std::filesystem::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  SampleWriter writer(10ms);
  EXPECT_EQ(writer.append(directory.path(), small_profile()).code(), StatusCode::kUnavailable);
  EXPECT_EQ(writer.append(directory.path(), small_profile()).code(), StatusCode::kUnavailable);
  // The directory answers again.
  const int reader = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  std::filesystem::remove(file);
  const auto patience = std::chrono::steady_clock::now() + 60s;
  std::uint64_t appended = 2;
  Status written;
  do {
    written = writer.append(directory.path(), small_profile());
    ++appended;
  } while (!written.ok() && std::chrono::steady_clock::now() < patience);
  ::close(reader);
  EXPECT_TRUE(written.ok()) << written.message();
  // The first went to the reader here; of all others nothing is lost that is not counted.
  const StackProfile read = *read_profiles(directory.path());
  EXPECT_GE(read.samples(), 4u);
  EXPECT_EQ(read.samples() + read.left_out, 6 * (appended - 1));
}

TEST(WriteProfile, LeavesAnEarlierPictureWhereNothingWasSeen) {
  const io::TemporaryDirectory directory;
  const std::string path = directory.path("p.svg");
  std::ofstream(path) << "earlier";
  const auto text = [&path] {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const ProfileTarget target{.path = path, .job = "job", .plugin = "/no/plugin"};
  EXPECT_EQ(write_profile(target, {}).code(), StatusCode::kUnavailable);
  EXPECT_EQ(text(), "earlier");
  EXPECT_TRUE(write_profile(target, small_profile()).ok());
  EXPECT_THAT(text(), HasSubstr("map: 3 samples"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
}

void on_somebodys_tick(int) {}

TEST(Sampler, LeavesTheSignalAsItWas) {
  struct sigaction found {};
  ::signal(SIGPROF, SIG_DFL);
  ASSERT_TRUE(Sampler::start().ok());
  ASSERT_TRUE(Sampler::start().ok());
  Sampler::stop();
  ::sigaction(SIGPROF, nullptr, &found);
  EXPECT_EQ(found.sa_handler, SIG_DFL);
  ::signal(SIGPROF, &on_somebodys_tick);
  EXPECT_EQ(Sampler::start().code(), StatusCode::kUnavailable);
  Sampler::stop();
  ::sigaction(SIGPROF, nullptr, &found);
  EXPECT_EQ(found.sa_handler, &on_somebodys_tick);
  ::signal(SIGPROF, SIG_DFL);
}

// Sanitizers deliver signals when it suits them.
#ifndef FANFOLD_SANITIZED
extern "C" [[gnu::noinline]] std::uint64_t burn_for_the_profile(std::uint64_t from) {
  for (int i = 0; i < 100'000; ++i) from = from * 6364136223846793005u + 1442695040888963407u;
  return from;
}

/// Samples of this process while it burns its time, from a directory as executors leave them.
StackProfile profile_of_burning() {
  const io::TemporaryDirectory directory;
  Sampler::enter(Stage::kMap);
  EXPECT_TRUE(Sampler::start().ok());
  std::uint64_t value = 1;
  StackProfile profile;
  // The tick of the kernel decides when there are enough.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (profile.samples() < 20 && std::chrono::steady_clock::now() < patience) {
    for (int i = 0; i < 100; ++i) value = burn_for_the_profile(value);
    EXPECT_TRUE(append_profile(directory.path(), take_profile()).ok());
    profile = *read_profiles(directory.path());
  }
  Sampler::stop();
  EXPECT_GE(profile.samples(), 20u) << value;
  return profile;
}

TEST(Sampler, SeesWhereThisProcessSpendsItsTime) {
  const StackProfile profile = profile_of_burning();
  std::uint64_t burning = 0;
  const std::map<Stage, Stacks> stages = name_stacks(profile, "/no/plugin");
  ASSERT_TRUE(stages.contains(Stage::kMap));
  for (const auto& [stack, count] : stages.at(Stage::kMap)) {
    for (const Function& function : stack) {
      if (function.name != "burn_for_the_profile") continue;
      EXPECT_EQ(function.owner, Owner::kFanfold);
      burning += count;
      break;
    }
  }
  EXPECT_GT(burning, profile.samples() / 2);
}
#endif

}  // namespace
}  // namespace fanfold::cli
