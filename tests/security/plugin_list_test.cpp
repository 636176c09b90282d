#include "common/security/plugin_list.hpp"

#include <gmock/gmock.h>

#include "tests/security/key_place.hpp"

namespace fanfold::security {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

class PluginListTest : public KeyPlace {
 protected:
  PluginList list(const std::string& text) {
    overwrite(file_, text);
    fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write);
    auto read = PluginList::read(file_);
    EXPECT_TRUE(read.ok()) << read.status().message();
    return *std::move(read);
  }
  std::string refusal() const {
    const auto read = PluginList::read(file_);
    EXPECT_FALSE(read.ok());
    return read.status().message();
  }

  const std::string file_ = path("plugins");
  const std::string one_ = std::string(64, 'a');
  const std::string two_ = std::string(60, '0') + "9bcf";
};

TEST_F(PluginListTest, AllowsWhatSha256sumPrintedOfIt) {
  const PluginList plugins =
      list("# ours\n\n" + one_ + "  lib/one.so\r\n  " + two_ + " *two with blanks.so");
  EXPECT_TRUE(plugins.check("one.so", one_).ok());
  EXPECT_TRUE(plugins.check("two.so", two_).ok());
  const Status refused = plugins.check("mine.so", std::string(64, 'b'));
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("mine.so"), HasSubstr(std::string(64, 'b')), HasSubstr(file_)));
}

TEST_F(PluginListTest, ThatIsEmptyAllowsNothing) {
  EXPECT_FALSE(list("").check("one.so", one_).ok());
  EXPECT_FALSE(list("# " + one_ + "\n").check("one.so", one_).ok());
}

TEST_F(PluginListTest, NamesTheLineThatIsNoDigest) {
  for (const std::string& bad :
       {std::string("one.so"), std::string(64, 'A'), one_ + "a", one_.substr(1), one_ + "*x"}) {
    overwrite(file_, one_ + "\n\n" + bad + "\n");
    fs::permissions(file_, fs::perms::owner_read);
    EXPECT_THAT(refusal(), AllOf(HasSubstr(file_ + ", line 3"), HasSubstr("sha256sum")));
  }
}

TEST_F(PluginListTest, ThatOthersCanChangeIsRefused) {
  for (const fs::perms more : {fs::perms::group_write, fs::perms::others_write}) {
    list(one_);
    fs::permissions(file_, more, fs::perm_options::add);
    EXPECT_THAT(refusal(), HasSubstr("chmod 644 " + file_));
  }
  fs::permissions(file_, fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read);
  EXPECT_TRUE(PluginList::read(file_).ok());
}

TEST_F(PluginListTest, ThatIsNotThereIsNamed) {
  EXPECT_THAT(refusal(), HasSubstr(file_));
  fs::create_directory(file_);
  EXPECT_THAT(refusal(), HasSubstr("no plain file"));
}

}  // namespace
}  // namespace fanfold::security
