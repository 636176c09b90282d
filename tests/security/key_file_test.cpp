#include "common/security/key_file.hpp"

#include <gmock/gmock.h>

#include "common/net/key_pair.hpp"
#include "tests/security/key_place.hpp"

namespace fanfold::security {
namespace {

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
