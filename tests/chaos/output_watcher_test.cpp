// The concurrent reader has to notice everything that is not one rename of a complete directory.

#include "tests/chaos/output_watcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/io/manifest.hpp"
#include "tests/e2e/command.hpp"

namespace fanfold::chaos {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Watched : public testing::Test {
 protected:
  void stage(const std::string& name) {
    io::Manifest manifest;
    manifest.job_name = "job";
    io::PartInfo part;
    part.name = "part-00000";
    part.bytes = 4;
    manifest.files = {part};
    workspace_.write(name + "/part-00000", "text");
    workspace_.write(name + "/_SUCCESS", io::to_json(manifest));
  }
  void publish() { fs::rename(workspace_.path("staged"), workspace_.path("out")); }
  bool looked_again() {
    const std::uint64_t before = watcher_.looks();
    return e2e::eventually([&] { return watcher_.looks() > before + 1; });
  }

  e2e::Workspace workspace_;
  OutputWatcher watcher_{workspace_.path("out")};
};

TEST_F(Watched, OneRenameOfACompleteDirectoryIsFine) {
  stage("staged");
  ASSERT_TRUE(looked_again());
  publish();
  ASSERT_TRUE(looked_again());
  EXPECT_TRUE(watcher_.appeared());
  EXPECT_THAT(watcher_.finish(), IsEmpty());
}

TEST_F(Watched, ADirectoryThatIsFilledInPlaceIsSeen) {
  stage("out");
  EXPECT_THAT(watcher_.finish(), Contains(HasSubstr("created where one rename")));
}

TEST_F(Watched, AMissingFileIsSeen) {
  stage("staged");
  fs::remove(workspace_.path("staged/part-00000"));
  publish();
  EXPECT_THAT(watcher_.finish(), Contains(HasSubstr("part-00000 of the manifest is missing")));
}

TEST_F(Watched, AShortFileIsSeen) {
  stage("staged");
  workspace_.write("staged/part-00000", "te");
  publish();
  EXPECT_THAT(watcher_.finish(), Contains(HasSubstr("has 2 bytes, the manifest says 4")));
}

TEST_F(Watched, AFileTooManyIsSeen) {
  stage("staged");
  workspace_.write("staged/.part-00000.tmp", "te");
  publish();
  EXPECT_THAT(watcher_.finish(), Contains(HasSubstr("is not of the manifest")));
}

TEST_F(Watched, AChangeAfterPublicationIsSeen) {
  stage("staged");
  publish();
  ASSERT_TRUE(e2e::eventually([&] { return watcher_.appeared(); }));
  workspace_.write("out/part-00000", "text");
  EXPECT_THAT(watcher_.finish(), Contains(HasSubstr("written after publication")));
}

TEST_F(Watched, AnOutputThatGoesAwayIsSeen) {
  stage("staged");
  publish();
  ASSERT_TRUE(e2e::eventually([&] { return watcher_.appeared(); }));
  fs::rename(workspace_.path("out"), workspace_.path("elsewhere"));
  EXPECT_THAT(watcher_.finish(), Contains(HasSubstr("moved away where one rename")));
}

}  // namespace
}  // namespace fanfold::chaos
