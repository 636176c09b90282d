#include "common/security/key_file.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "common/net/key_pair.hpp"
#include "common/security/known_master.hpp"
#include "tests/security/key_place.hpp"

namespace fanfold::security {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class KeyFileTest : public KeyPlace {
 protected:
  KeyFile make() {
    KeyFile key;
    key.name = "alice";
    key.role = Role::kClient;
    key.pair = net::make_key_pair();
    key.master = net::make_key_pair().public_key;
    EXPECT_TRUE(write_key_file(file_, key).ok());
    return key;
  }
  std::string refusal() const {
    const auto key = read_key_file(file_);
    EXPECT_FALSE(key.ok());
    return key.status().message();
  }

  const std::string file_ = path("alice.key");
};

TEST_F(KeyFileTest, IsReadAsItWasWritten) {
  const KeyFile written = make();
  const auto read = read_key_file(file_);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->name, "alice");
  EXPECT_EQ(read->role, Role::kClient);
  EXPECT_EQ(read->pair.public_key, written.pair.public_key);
  EXPECT_EQ(read->pair.secret.bytes, written.pair.secret.bytes);
  EXPECT_EQ(read->master, written.master);
  EXPECT_EQ(net::public_key_of(read->pair.secret), read->pair.public_key);
}

TEST_F(KeyFileTest, IsForItsOwnerAlone) {
  make();
  EXPECT_EQ(mode_of(file_), fs::perms::owner_read | fs::perms::owner_write);
  for (const fs::perms more : {fs::perms::group_read, fs::perms::others_read,
                               fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write | more);
    EXPECT_THAT(refusal(), HasSubstr("chmod 600 " + file_));
  }
  fs::permissions(file_, fs::perms::owner_read);
  EXPECT_TRUE(read_key_file(file_).ok());
}

TEST_F(KeyFileTest, KnowsAnotherKeyOfTheMasterOnceItIsTold) {
  const KeyFile written = make();
  EXPECT_EQ(read_key_file(file_)->other, std::nullopt);
  const PublicKey next = net::make_key_pair().public_key;
  ASSERT_TRUE(tell_key_file(file_, written.master, next).ok());
  const auto both = read_key_file(file_);
  ASSERT_TRUE(both.ok()) << both.status().message();
  EXPECT_EQ(both->master, written.master);
  EXPECT_EQ(both->other, next);
  EXPECT_EQ(both->pair.secret.bytes, written.pair.secret.bytes);
  EXPECT_EQ(both->name, "alice");
  EXPECT_EQ(mode_of(file_), fs::perms::owner_read | fs::perms::owner_write);
  const std::string good = read(file_);
  for (std::size_t size = 0; size < good.size() - 1; ++size) {
    overwrite(file_, good.substr(0, size));
    EXPECT_FALSE(read_key_file(file_).ok()) << size << " bytes of it";
  }
  overwrite(file_, good);
  EXPECT_THAT(tell_key_file(file_, next, next).message(), HasSubstr("are the same"));
  ASSERT_TRUE(tell_key_file(file_, next, std::nullopt).ok());
  EXPECT_EQ(read_key_file(file_)->master, next);
  EXPECT_EQ(read_key_file(file_)->other, std::nullopt);
  KeyFile master = written;
  master.role = Role::kMaster;
  ASSERT_TRUE(write_key_file(file_, master).ok());
  EXPECT_THAT(tell_key_file(file_, next, std::nullopt).message(), HasSubstr("the master's own"));
}

TEST_F(KeyFileTest, IsWholeWhenTwoTellItAtTheSameTime) {
  make();
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this] {
      for (int i = 0; i < 20; ++i) {
        const PublicKey key = net::make_key_pair().public_key;
        const Status told = tell_key_file(file_, key, std::nullopt);
        EXPECT_TRUE(told.ok()) << told.message();
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(read_key_file(file_).ok());
}

TEST_F(KeyFileTest, IsAskedAnewByWhoDoesNotFindTheMaster) {
  const KeyFile first = make();
  KnownMaster known(file_, first);
  EXPECT_THAT(known.keys(), ElementsAre(first.master));
  const PublicKey next = net::make_key_pair().public_key;
  ASSERT_TRUE(tell_key_file(file_, first.master, next).ok());
  EXPECT_THAT(known.keys(), ElementsAre(first.master, next));
  overwrite(file_, "rubbish");
  EXPECT_THAT(known.keys(), ElementsAre(first.master, next));
  // Its holder was given another key since, and with it the master's.
  EXPECT_THAT(known.keys(), ElementsAre(make().master));
}

TEST_F(KeyFileTest, ThatIsNotThereOrNoFileIsNamed) {
  EXPECT_THAT(refusal(), HasSubstr(file_));
  fs::create_directory(file_);
  EXPECT_THAT(refusal(), HasSubstr("no plain file"));
}

TEST_F(KeyFileTest, IsRefusedWhenAnyLineIsMissingOrWrong) {
  make();
  const std::string good = read(file_);
  for (const char* field : {"fanfold-key 1", "name ", "role ", "public ", "secret ", "master "}) {
    std::string damaged = good;
    damaged.replace(damaged.find(field), 3, "xxx");
    overwrite(file_, damaged);
    EXPECT_THAT(refusal(), HasSubstr("is no key of Fanfold")) << field;
  }
  for (std::size_t size = 0; size < good.size() - 1; ++size) {
    overwrite(file_, good.substr(0, size));
    EXPECT_FALSE(read_key_file(file_).ok()) << size << " bytes of it";
  }
  overwrite(file_, std::string(1 << 20, 'x'));
  EXPECT_FALSE(read_key_file(file_).ok());
}

TEST(KeyName, IsAPlainWordThatFitsIntoAFilesName) {
  for (const char* good : {"a", "alice", "host-12.example", "A_1", "0"}) {
    EXPECT_TRUE(is_key_name(good)) << good;
  }
  for (const char* wrong : {"", ".", "..", "../x", "a/b", "a b", "-a", ".a", "a\n", "a<b>"}) {
    EXPECT_FALSE(is_key_name(wrong)) << wrong;
  }
  EXPECT_TRUE(is_key_name(std::string(64, 'a')));
  EXPECT_FALSE(is_key_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace fanfold::security
