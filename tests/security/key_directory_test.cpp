#include "common/security/key_directory.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "common/net/key_pair.hpp"
#include "tests/security/key_place.hpp"

namespace fanfold::security {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class KeyDirectoryTest : public KeyPlace {
 protected:
  void SetUp() override { ASSERT_TRUE(KeyDirectory::init(keys_, net::make_key_pair()).ok()); }

  PublicKey add(const std::string& name, Role role, KeyQuota quota = {}) {
    auto directory = KeyDirectory::open(keys_);
    EXPECT_TRUE(directory.ok()) << directory.status().message();
    const KeyPair pair = net::make_key_pair();
    const auto file = directory->add({name, role, pair, quota}, 1000);
    EXPECT_TRUE(file.ok()) << file.status().message();
    return pair.public_key;
  }
  std::vector<KeyEntry> entries() const {
    const auto table = read_key_table(keys_);
    EXPECT_TRUE(table.ok()) << table.status().message();
    return table->entries();
  }

  void expect_known(const std::string& name, const PublicKey& master,
                    const std::optional<PublicKey>& other) const {
    const auto file = read_key_file(keys_ + "/" + name + ".key");
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(file->master, master);
    EXPECT_EQ(file->other, other);
  }

  const std::string keys_ = path("keys");
};

TEST_F(KeyDirectoryTest, GivesAKeyThatTheMasterKnowsAndThatKnowsTheMaster) {
  const PublicKey key = add("alice", Role::kClient, {3, 60, 1000, 1ull << 40});
  const auto file = read_key_file(keys_ + "/alice.key");
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->pair.public_key, key);
  EXPECT_EQ(file->master, read_master_key(keys_)->pair.public_key);
  const auto known = read_key_table(keys_)->find(key, 2000);
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->name, "alice");
  EXPECT_EQ(known->role, Role::kClient);
  EXPECT_EQ(known->quota, (KeyQuota{3, 60, 1000, 1ull << 40}));
  for (const auto& entry : fs::directory_iterator(keys_)) {
    EXPECT_EQ(entry.status().permissions() & (fs::perms::group_all | fs::perms::others_all),
              fs::perms::none)
        << entry.path();
  }
}

TEST_F(KeyDirectoryTest, IsNeverMadeTwice) {
  const std::string before = read(keys_ + "/master.key");
  const Status again = KeyDirectory::init(keys_, net::make_key_pair());
  EXPECT_EQ(again.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(read(keys_ + "/master.key"), before);
}

TEST_F(KeyDirectoryTest, ThatOthersCanOpenIsRefused) {
  fs::permissions(keys_, fs::perms::owner_all | fs::perms::group_read);
  EXPECT_THAT(KeyDirectory::open(keys_).status().message(), HasSubstr("chmod 700"));
  EXPECT_THAT(read_master_key(keys_).status().message(), HasSubstr("chmod 700"));
}

TEST_F(KeyDirectoryTest, GivesANameOneKeyAndNoNameToTwo) {
  add("alice", Role::kClient);
  auto directory = KeyDirectory::open(keys_);
  for (const char* taken : {"alice", "master"}) {
    const auto second = directory->add({taken, Role::kAdmin, net::make_key_pair(), {}}, 1000);
    EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists) << taken;
  }
  const auto odd = directory->add({"../keys", Role::kAdmin, net::make_key_pair(), {}}, 1000);
  EXPECT_EQ(odd.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(entries().size(), 1u);
}

TEST_F(KeyDirectoryTest, ForgetsARevokedKey) {
  const PublicKey key = add("alice", Role::kClient);
  add("bob", Role::kClient);
  auto directory = KeyDirectory::open(keys_);
  ASSERT_TRUE(directory->revoke("alice").ok());
  EXPECT_EQ(read_key_table(keys_)->find(key, 1000), std::nullopt);
  EXPECT_FALSE(fs::exists(keys_ + "/alice.key"));
  EXPECT_EQ(entries().size(), 1u);
  EXPECT_EQ(directory->revoke("alice").code(), StatusCode::kNotFound);
}

TEST_F(KeyDirectoryTest, AcceptsBothKeysOfARotationForAWhile) {
  const PublicKey old = add("w1", Role::kWorker, {.jobs = 1});
  auto directory = KeyDirectory::open(keys_);
  const KeyPair fresh = net::make_key_pair();
  ASSERT_TRUE(directory->rotate("w1", fresh, 2000, 60).ok());
  const auto table = read_key_table(keys_);
  EXPECT_TRUE(table->find(old, 2059).has_value());
  EXPECT_FALSE(table->find(old, 2060).has_value());
  const auto known = table->find(fresh.public_key, 9999);
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->role, Role::kWorker);
  EXPECT_EQ(known->quota.jobs, 1u);
  EXPECT_EQ(table->next_end(2000), 2060);
  EXPECT_EQ(read_key_file(keys_ + "/w1.key")->pair.public_key, fresh.public_key);
  // One more, at once: the first key, and the second, are over.
  const KeyPair third = net::make_key_pair();
  ASSERT_TRUE(directory->rotate("w1", third, 2001, 0).ok());
  ASSERT_EQ(entries().size(), 1u);
  EXPECT_EQ(entries()[0].holder.key, third.public_key);
}

TEST_F(KeyDirectoryTest, RotatesTheMastersKeyInStepsThatCanBeRepeated) {
  add("alice", Role::kClient);
  add("away", Role::kWorker);
  fs::rename(keys_ + "/away.key", path("away.key"));
  const PublicKey old = read_master_key(keys_)->pair.public_key;
  EXPECT_EQ(KeyDirectory::open(keys_)->switch_master(1000).status().code(), StatusCode::kNotFound);
  const KeyPair fresh = net::make_key_pair();
  for (const KeyPair& pair : {fresh, net::make_key_pair()}) {
    const auto told = KeyDirectory::open(keys_)->begin_master_rotation(pair, false, 1000);
    ASSERT_TRUE(told.ok()) << told.status().message();
    EXPECT_THAT(told->here, ElementsAre("alice"));
    EXPECT_THAT(told->elsewhere, ElementsAre("away"));
    // Whoever starts a master now starts it with the old one.
    EXPECT_EQ(read_master_key(keys_)->pair.public_key, old);
    expect_known("alice", old, fresh.public_key);
  }
  add("bob", Role::kClient);
  expect_known("bob", old, fresh.public_key);
  EXPECT_EQ(KeyDirectory::open(keys_)->finish_master_rotation(1000).status().code(),
            StatusCode::kInvalidArgument);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(KeyDirectory::open(keys_)->switch_master(1000).ok());
    const auto master = read_master_key(keys_);
    EXPECT_EQ(master->pair.public_key, fresh.public_key);
    EXPECT_EQ(net::public_key_of(master->pair.secret), fresh.public_key);
    EXPECT_FALSE(master->other_secret.has_value());
    expect_known("alice", fresh.public_key, old);
  }
  EXPECT_EQ(KeyDirectory::open(keys_)
                ->begin_master_rotation(net::make_key_pair(), true, 1000)
                .status()
                .code(),
            StatusCode::kAlreadyExists);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(KeyDirectory::open(keys_)->finish_master_rotation(1000).ok());
    expect_known("alice", fresh.public_key, std::nullopt);
  }
  EXPECT_EQ(read(keys_ + "/master.key").find("other"), std::string::npos);
}

TEST_F(KeyDirectoryTest, TellsAllOthersOfARotationWhenOneFileCannotBeTold) {
  add("alice", Role::kClient);
  add("bob", Role::kClient);
  const std::string file = keys_ + "/alice.key";
  const PublicKey old = read_master_key(keys_)->pair.public_key;
  const auto begin = [&](const KeyPair& pair, bool anew) {
    auto told = KeyDirectory::open(keys_)->begin_master_rotation(pair, anew, 1000);
    EXPECT_TRUE(told.ok()) << told.status().message();
    return *told;
  };
  const KeyPair fresh = net::make_key_pair();
  fs::permissions(file, fs::perms::owner_read | fs::perms::others_read);
  const auto half = begin(fresh, false);
  ASSERT_EQ(half.failures.size(), 1u);
  EXPECT_THAT(half.failures[0].message(), HasSubstr("chmod 600"));
  expect_known("bob", old, fresh.public_key);
  fs::permissions(file, fs::perms::owner_read);
  const auto whole = begin(net::make_key_pair(), false);
  EXPECT_THAT(whole.failures, IsEmpty());
  EXPECT_TRUE(whole.earlier);
  expect_known("alice", old, fresh.public_key);
  // Whoever may have read the second one, too, wants another.
  const KeyPair other = net::make_key_pair();
  EXPECT_FALSE(begin(other, true).earlier);
  expect_known("alice", old, other.public_key);
}

TEST_F(KeyDirectoryTest, TellsTheFileThatALinkLeadsTo) {
  add("alice", Role::kClient);
  const std::string link = keys_ + "/alice.key";
  const std::string file = path("alice.key");
  fs::rename(link, file);
  fs::create_symlink(file, link);
  const KeyPair fresh = net::make_key_pair();
  ASSERT_TRUE(KeyDirectory::open(keys_)->begin_master_rotation(fresh, false, 1000).ok());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(read_key_file(file)->other, fresh.public_key);
}

TEST_F(KeyDirectoryTest, LosesNoKeyToTwoWhoAddAtTheSameTime) {
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < 10; ++i) {
        add("k" + std::to_string(thread) + "-" + std::to_string(i), Role::kClient);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(entries().size(), 40u);
}

TEST_F(KeyDirectoryTest, WithALineThatCannotBeReadAcceptsNone) {
  add("alice", Role::kClient);
  const std::string table = read(keys_ + "/keys");
  for (const std::string& damaged :
       {table + "bob client\n", table + "bob king " + std::string(64, 'a') + " 1 0 0 0\n",
        table + "../bob client " + std::string(64, 'a') + " 1 0 0 0\n",
        table + "bob client " + std::string(64, 'a') + " 1 0 0 0 surplus\n", "x" + table}) {
    overwrite(keys_ + "/keys", damaged);
    EXPECT_EQ(read_key_table(keys_).status().code(), StatusCode::kCorruption) << damaged;
  }
}

TEST(Keys, AreEqualInConstantTimeWhenAllBytesAre) {
  PublicKey one;
  for (std::size_t i = 0; i < one.bytes.size(); ++i) {
    PublicKey other = one;
    EXPECT_TRUE(equal_in_constant_time(one, other));
    other.bytes[i] ^= 0x80;
    EXPECT_FALSE(equal_in_constant_time(one, other)) << i;
  }
}

}  // namespace
}  // namespace fanfold::security
