#include "common/security/live_keys.hpp"

#include <gmock/gmock.h>

#include "common/net/key_pair.hpp"
#include "common/security/key_directory.hpp"
#include "tests/security/key_place.hpp"

namespace fanfold::security {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

class LiveKeysTest : public KeyPlace {
 protected:
  void SetUp() override {
    ASSERT_TRUE(KeyDirectory::init(keys_, net::make_key_pair()).ok());
    alice_ = add("alice", Role::kClient);
    auto opened = LiveKeys::open(keys_);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    live_ = *opened;
  }
  PublicKey add(const std::string& name, Role role) {
    const KeyPair pair = net::make_key_pair();
    EXPECT_TRUE(KeyDirectory::open(keys_)->add({name, role, pair, {}}, 1000).ok());
    return pair.public_key;
  }

  const std::string keys_ = path("keys");
  PublicKey alice_;
  std::shared_ptr<LiveKeys> live_;
};

TEST_F(LiveKeysTest, AdmitWhatIsListedAndNothingElse) {
  ASSERT_NE(live_->admit(alice_), nullptr);
  EXPECT_EQ(live_->admit(alice_)->name, "alice");
  EXPECT_EQ(live_->admit(net::make_key_pair().public_key), nullptr);
  EXPECT_EQ(live_->admit(read_master_key(keys_)->pair.public_key), nullptr);
  EXPECT_TRUE(live_->take_news().empty());
}

TEST_F(LiveKeysTest, KnowOfAChangeAtTheNextQuestion) {
  const std::uint64_t before = live_->generation();
  const PublicKey worker = add("w1", Role::kWorker);
  EXPECT_NE(live_->admit(worker), nullptr);
  EXPECT_GT(live_->generation(), before);
  EXPECT_THAT(live_->workers().keys, ElementsAre(worker));
  ASSERT_TRUE(KeyDirectory::open(keys_)->revoke("alice").ok());
  EXPECT_EQ(live_->admit(alice_), nullptr);
  EXPECT_FALSE(live_->has("alice"));
  const LiveKeys::News news = live_->take_news();
  EXPECT_THAT(news.added, ElementsAre(StartsWith("w1 worker ")));
  EXPECT_THAT(news.removed, ElementsAre(StartsWith("alice client ")));
}

TEST_F(LiveKeysTest, AdmitNobodyWhileTheyCannotBeRead) {
  const std::string file = key_table_path(keys_);
  const auto admitted_again_after = [&](const std::string& text) {
    EXPECT_EQ(live_->admit(alice_), nullptr);
    EXPECT_THAT(live_->take_news().unreadable, HasSubstr(text));
  };
  fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
  admitted_again_after("chmod 600");
  fs::permissions(file, fs::perms::group_read, fs::perm_options::remove);
  EXPECT_NE(live_->admit(alice_), nullptr);

  fs::rename(file, file + ".away");
  admitted_again_after("cannot open");
  fs::rename(file + ".away", file);
  EXPECT_NE(live_->admit(alice_), nullptr);

  const std::string good = read(file);
  overwrite(file, good + "half a li");
  admitted_again_after("line");
  overwrite(file, good);
  EXPECT_NE(live_->admit(alice_), nullptr);
}

TEST_F(LiveKeysTest, OfADirectoryWithoutKeysDoNotOpen) {
  EXPECT_FALSE(LiveKeys::open(path("nowhere")).ok());
}

}  // namespace
}  // namespace fanfold::security
