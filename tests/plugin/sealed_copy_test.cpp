#include "worker/plugin/sealed_copy.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cerrno>

#include "tests/plugin/plugin_fixture.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

using testing::HasSubstr;

class SealedCopyTest : public PluginFixture {
 protected:
  static std::string error_of(const std::string& path) {
    const auto copy = SealedCopy::of(path);
    EXPECT_FALSE(copy.ok());
    return copy.status().message();
  }
};

TEST_F(SealedCopyTest, HasTheDigestOfTheFile) {
  const auto copy = SealedCopy::of(plugin("faulty"));
  ASSERT_TRUE(copy.ok()) << copy.status().message();
  EXPECT_EQ(copy->sha256(), *sha256_of(plugin("faulty")));
  EXPECT_EQ(contents_of(copy->path()), contents_of(plugin("faulty")));
  const auto empty = SealedCopy::of(file_with(""));
  ASSERT_TRUE(empty.ok()) << empty.status().message();
  EXPECT_EQ(empty->sha256(), sha256_of_bytes(""));
}

TEST_F(SealedCopyTest, StaysWhatItWasWhenTheFileChanges) {
  const std::string before = contents_of(plugin("faulty"));
  const std::string file = file_with(before);
  const auto copy = SealedCopy::of(file);
  ASSERT_TRUE(copy.ok()) << copy.status().message();
  // As `cp` does it: the same file with other bytes.
  std::ofstream(file, std::ios::binary | std::ios::trunc) << "something else";
  EXPECT_EQ(contents_of(copy->path()), before);
  const auto loaded = load_plugin(file, {.copy = &*copy});
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_TRUE(find_job(**loaded, "faulty", file).ok());
}

TEST_F(SealedCopyTest, CannotBeChanged) {
  const auto copy = SealedCopy::of(plugin("faulty"));
  ASSERT_TRUE(copy.ok()) << copy.status().message();
  const UniqueFd again(::open(copy->path().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(again.open());
  EXPECT_EQ(::pwrite(again.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(again.get(), 0), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST_F(SealedCopyTest, IsNamedLikeTheFileInErrors) {
  const std::string file = file_with("no plugin at all");
  const auto copy = SealedCopy::of(file);
  ASSERT_TRUE(copy.ok()) << copy.status().message();
  const auto loaded = load_plugin(file, {.copy = &*copy});
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.status().message(), HasSubstr(file));
}

TEST_F(SealedCopyTest, IsMadeOfPlainFilesAlone) {
  EXPECT_THAT(error_of(directory_ + "/nowhere.so"), HasSubstr("nowhere.so"));
  EXPECT_THAT(error_of(directory_), HasSubstr("no plain file"));
  EXPECT_THAT(error_of("/dev/zero"), HasSubstr("no plain file"));
}

}  // namespace
}  // namespace fanfold::worker
