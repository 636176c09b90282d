// What may run: lists of plugins, and plugins that are replaced while they are in use.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

class PluginAllow : public testing::Test {
 protected:
  PluginAllow() {
    fs::create_directory(workspace_.path("c"));
    fs::permissions(workspace_.path("c"), fs::perms::owner_all);
    workspace_.write("in.txt", "b a\nb\n");
    // What the list is made with.
    CommandOptions sha256sum;
    sha256sum.program = "/usr/bin/sha256sum";
    const Outcome listed = run(workspace_, {bundled_plugin("word_count")}, sha256sum);
    workspace_.write("plugins", "# bundled\n" + listed.out);
  }
  ~PluginAllow() override {
    for (const auto& process : processes_) {
      process->signal(SIGTERM);
      process->wait();
    }
  }

  Running& start(const std::string& program, std::vector<std::string> arguments) {
    CommandOptions options;
    options.program = (fs::path(FANFOLD_BIN).parent_path() / program).string();
    // Workers end before their master.
    return **processes_.insert(
        processes_.begin(), std::make_unique<Running>(workspace_, std::move(arguments), options));
  }
  void start_master(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--listen", address_, "--ephemeral"});
    start("fanfold-master", more);
    ASSERT_TRUE(eventually([&] { return workspace_.exists("c/m"); }));
  }
  void start_worker(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--master", address_, "--scratch", workspace_.path("scratch"),
                             "--slots", "1", "--memory", "64M"});
    start("fanfold-worker", more);
  }
  Outcome command(std::vector<std::string> arguments) const {
    CommandOptions options;
    options.environment = {{"FANFOLD_MASTER", address_}};
    return run(workspace_, std::move(arguments), options);
  }

  Workspace workspace_;
  const std::string address_ = "ipc://" + workspace_.path("c/m");
  std::vector<std::unique_ptr<Running>> processes_;
};

TEST_F(PluginAllow, OfAMasterRefusesOthersAtOnce) {
  start_master({"--plugin-allow", workspace_.path("plugins")});
  start_worker();
  const Outcome refused = command({"run", faulty_plugin("faulty"), "in.txt", "-o", "out"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("faulty"), HasSubstr(workspace_.path("plugins"))));
  EXPECT_FALSE(workspace_.exists("out"));
  const Outcome ran = command({"run", "word_count", "in.txt", "-o", "out"});
  EXPECT_EQ(ran.exit_code, 0) << ran.both();
}

TEST_F(PluginAllow, OfAWorkerHoldsWhateverTheMasterSays) {
  start_master();
  start_worker({"--plugin-allow", workspace_.path("plugins")});
  const Outcome failed = command({"run", faulty_plugin("faulty"), "in.txt", "-o", "out"});
  EXPECT_EQ(failed.exit_code, 1) << failed.both();
  EXPECT_THAT(failed.err, AllOf(HasSubstr("faulty"), HasSubstr("--plugin-allow")));
  EXPECT_FALSE(workspace_.exists("out"));
  const Outcome ran = command({"run", "word_count", "in.txt", "-o", "out"});
  EXPECT_EQ(ran.exit_code, 0) << ran.both();
}

TEST_F(PluginAllow, ListThatOthersCanChangeStartsNothing) {
  fs::permissions(workspace_.path("plugins"), fs::perms::others_write, fs::perm_options::add);
  for (const std::string program : {"fanfold-master", "fanfold-worker"}) {
    CommandOptions options;
    options.program = (fs::path(FANFOLD_BIN).parent_path() / program).string();
    const bool master = program == "fanfold-master";
    const Outcome refused =
        run(workspace_,
            {master ? "--listen" : "--master", address_, master ? "--ephemeral" : "--slots=1",
             "--plugin-allow", workspace_.path("plugins")},
            options);
    EXPECT_NE(refused.exit_code, 0);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("--plugin-allow"), HasSubstr("chmod 644")));
  }
}

TEST_F(PluginAllow, APluginMayHaveLibrariesBesideItUnlessThereIsAList) {
  fs::create_directory(workspace_.path("mine"));
  for (const std::string name : {"leaning.so", "libbeside.so"}) {
    fs::copy_file(fs::path(faulty_plugin("leaning")).parent_path() / name,
                  workspace_.path("mine/" + name));
  }
  const std::string plugin = workspace_.path("mine/leaning.so");
  start_master();
  start_worker();
  const Outcome ran = command({"run", plugin, "in.txt", "-o", "out"});
  EXPECT_EQ(ran.exit_code, 0) << ran.both();

  CommandOptions sha256sum;
  sha256sum.program = "/usr/bin/sha256sum";
  workspace_.write("plugins", run(workspace_, {plugin}, sha256sum).out);
  processes_.front()->signal(SIGTERM);
  EXPECT_EQ(processes_.front()->wait().exit_code, 0);
  processes_.erase(processes_.begin());
  start_worker({"--plugin-allow", workspace_.path("plugins")});
  const Outcome failed = command({"run", plugin, "in.txt", "-o", "out2"});
  EXPECT_EQ(failed.exit_code, 1) << failed.both();
  EXPECT_THAT(failed.err, AllOf(HasSubstr(plugin), HasSubstr("libbeside.so")));
}

// As `cp` onto a plugin does it: the pages of the file itself would change under the executor.
TEST_F(PluginAllow, APluginThatIsOverwrittenWhileItRunsIsNotDisturbed) {
  const std::string plugin = workspace_.path("mine.so");
  fs::copy_file(faulty_plugin("faulty"), plugin);
  workspace_.write("in.txt", "wait for " + workspace_.path("go") + "\nb a\n");
  start_master();
  start_worker();
  CommandOptions options;
  options.environment = {{"FANFOLD_MASTER", address_}};
  Running running(workspace_, {"run", plugin, "in.txt", "-o", "out"}, options);
  ASSERT_TRUE(eventually([&] {
    return command({"status", "1"}).out.find("1 running") != std::string::npos;
  })) << running.err_so_far();
  std::ofstream(plugin, std::ios::binary | std::ios::trunc) << "no plugin";
  workspace_.write("go", "");
  const Outcome outcome = running.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
  const Outcome again = command({"submit", plugin, "in.txt", "-o", "out2"});
  EXPECT_NE(again.exit_code, 0);
}

}  // namespace
}  // namespace fanfold::e2e
