// What every FileSystem must do, whoever implements it.  Include this in one test program per
// implementation and instantiate FileSystemConformance with a function that makes a fresh one.

#pragma once

#include <gtest/gtest.h>
#include <algorithm>

#include <functional>
#include <memory>
#include <string>

#include "common/io/file_system.hpp"

namespace fanfold::io {

/// A file system and an empty directory in it that the test may fill.
class FileSystemWorld {
 public:
  virtual ~FileSystemWorld() = default;
  virtual FileSystem& files() = 0;
  virtual std::string root() = 0;
};

using MakeWorld = std::function<std::unique_ptr<FileSystemWorld>()>;

class FileSystemConformance : public testing::TestWithParam<MakeWorld> {
 protected:
  FileSystemConformance() : world_(GetParam()()) {}

  FileSystem& files() { return world_->files(); }
  std::string path(const std::string& name) { return world_->root() + "/" + name; }

  void write(const std::string& name, const std::string& contents) {
    auto file = files().create(path(name));
    ASSERT_TRUE(file.ok()) << file.status().message();
    ASSERT_TRUE((*file)->append(contents).ok());
    ASSERT_TRUE((*file)->sync().ok());
    ASSERT_TRUE((*file)->close().ok());
  }

  std::string read(const std::string& name) {
    auto file = files().open(path(name));
    if (!file.ok()) return "not there: " + file.status().message();
    std::string contents((*file)->size().ok() ? *(*file)->size() : 0, '\0');
    const auto count = (*file)->read_at(0, contents);
    return count.ok() ? contents.substr(0, *count) : count.status().message();
  }

  void make_directory(const std::string& name) {
    ASSERT_TRUE(files().make_directories(path(name)).ok());
  }

  bool exists(const std::string& name) { return files().stat(path(name)).ok(); }

  std::unique_ptr<FileSystemWorld> world_;
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FileSystemConformance);

TEST_P(FileSystemConformance, ReadsBackWhatWasAppended) {
  auto file = files().create(path("a"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  ASSERT_TRUE((*file)->append("one ").ok());
  ASSERT_TRUE((*file)->append("").ok());
  ASSERT_TRUE((*file)->append("two").ok());
  ASSERT_TRUE((*file)->close().ok());
  EXPECT_EQ(read("a"), "one two");
}

TEST_P(FileSystemConformance, ReadsAnywhereAndShortOnlyAtTheEnd) {
  write("a", "0123456789");
  auto file = files().open(path("a"));
  ASSERT_TRUE(file.ok());
  char buffer[4];
  EXPECT_EQ(*(*file)->read_at(3, buffer), 4u);
  EXPECT_EQ(std::string(buffer, 4), "3456");
  EXPECT_EQ(*(*file)->read_at(8, buffer), 2u);
  EXPECT_EQ(std::string(buffer, 2), "89");
  EXPECT_EQ(*(*file)->read_at(10, buffer), 0u);
  EXPECT_EQ(*(*file)->read_at(1000, buffer), 0u);
  EXPECT_EQ(*(*file)->size(), 10u);
}

TEST_P(FileSystemConformance, CreatesNoFileTwice) {
  write("a", "first");
  const auto again = files().create(path("a"));
  EXPECT_EQ(again.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(again.status().message().find(path("a")), std::string::npos);
  EXPECT_EQ(read("a"), "first");
}

TEST_P(FileSystemConformance, NamesWhatIsMissing) {
  const Status missing[] = {
      files().open(path("gone")).status(),
      files().stat(path("gone")).status(),
      files().check_readable(path("gone")),
      files().list(path("gone")).status(),
      files().create(path("gone/a")).status(),
      files().remove_file(path("gone")),
      files().rename(path("gone"), path("b")),
      files().publish(path("gone"), path("b"), Replace::kNever),
      files().publish(path("gone"), path("b"), Replace::kExchange),
      files().hard_link_or_copy(path("gone"), path("b")),
      files().sync_directory(path("gone")),
  };
  for (const Status& status : missing) {
    EXPECT_EQ(status.code(), StatusCode::kNotFound) << status.message();
    EXPECT_NE(status.message().find(world_->root()), std::string::npos) << status.message();
  }
}

TEST_P(FileSystemConformance, TellsFilesFromDirectories) {
  write("a", "12345");
  make_directory("d");
  EXPECT_EQ(files().stat(path("a"))->kind, FileKind::kFile);
  EXPECT_EQ(files().stat(path("a"))->size, 5u);
  EXPECT_EQ(files().stat(path("d"))->kind, FileKind::kDirectory);
}

TEST_P(FileSystemConformance, IdentifiesADirectoryByDeviceAndInode) {
  make_directory("d/e");
  const FileInfo d = *files().stat(path("d"));
  const FileInfo same = *files().stat(path("d/e/.."));
  const FileInfo e = *files().stat(path("d/e"));
  EXPECT_TRUE(d.device == same.device && d.inode == same.inode);
  EXPECT_FALSE(d.device == e.device && d.inode == e.inode);
}

TEST_P(FileSystemConformance, ListsNamesInByteOrder) {
  for (const char* name : {"b", "a", "B", "a.x", "\xc3\xa4", ".hidden"}) write(name, "");
  make_directory("a-directory");
  const std::vector<std::string> expected = {".hidden", "B", "a",       "a-directory",
                                             "a.x",     "b", "\xc3\xa4"};
  EXPECT_EQ(*files().list(world_->root()), expected);
}

TEST_P(FileSystemConformance, MakesOneDirectoryOnlyBelowOneThatIsThere) {
  EXPECT_EQ(files().make_directory(path("x/y")).code(), StatusCode::kNotFound);
  EXPECT_FALSE(exists("x"));
  make_directory("x");
  EXPECT_TRUE(files().make_directory(path("x/y")).ok());
  EXPECT_TRUE(files().make_directory(path("x/y")).ok());
  write("file", "");
  EXPECT_FALSE(files().make_directory(path("file")).ok());
}

TEST_P(FileSystemConformance, LooksAtEverythingInADirectoryAtOnce) {
  // More than one thread takes upon itself.
  std::vector<std::string> names = {"a-directory"};
  make_directory("many/a-directory");
  for (int i = 0; i < 4200; ++i) {
    names.push_back("file-" + std::to_string(i));
    write("many/" + names.back(), std::string(static_cast<std::size_t>(i % 7), 'x'));
  }
  std::sort(names.begin(), names.end());
  const auto entries = files().list_with_info(path("many"));
  ASSERT_TRUE(entries.ok()) << entries.status().message();
  ASSERT_EQ(entries->size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto& [name, info] = (*entries)[i];
    const FileInfo alone = *files().stat(path("many/" + names[i]));
    ASSERT_EQ(name, names[i]);
    ASSERT_TRUE(info.ok()) << info.status().message();
    EXPECT_EQ(info->kind, alone.kind);
    EXPECT_EQ(info->size, alone.size);
    EXPECT_EQ(info->inode, alone.inode);
    EXPECT_EQ(info->open_to_all, alone.open_to_all);
  }
  EXPECT_EQ(files().list_with_info(path("nowhere")).status().code(), StatusCode::kNotFound);
}

TEST_P(FileSystemConformance, MakesDirectoriesWithTheirParentsAndMindsNoneThatIsThere) {
  make_directory("x/y/z");
  make_directory("x/y/z");
  EXPECT_EQ(files().stat(path("x/y/z"))->kind, FileKind::kDirectory);
  write("file", "");
  EXPECT_FALSE(files().make_directories(path("file")).ok());
  EXPECT_FALSE(files().make_directories(path("file/below")).ok());
}

TEST_P(FileSystemConformance, RenameReplacesAFile) {
  write("a", "new");
  write("b", "old");
  ASSERT_TRUE(files().rename(path("a"), path("b")).ok());
  EXPECT_FALSE(exists("a"));
  EXPECT_EQ(read("b"), "new");
}

TEST_P(FileSystemConformance, PublishesToAFreePath) {
  for (const Replace replace : {Replace::kNever, Replace::kExchange}) {
    make_directory("stage");
    write("stage/a", "new");
    ASSERT_TRUE(files().publish(path("stage"), path("out"), replace).ok());
    EXPECT_FALSE(exists("stage"));
    EXPECT_EQ(read("out/a"), "new");
    ASSERT_TRUE(files().remove_tree(path("out")).ok());
  }
}

TEST_P(FileSystemConformance, PublishesNothingOverWhatExists) {
  make_directory("stage");
  write("stage/a", "new");
  make_directory("empty");
  make_directory("out");
  write("out/a", "old");
  write("file", "old");
  for (const char* target : {"empty", "out", "file"}) {
    const Status status = files().publish(path("stage"), path(target), Replace::kNever);
    EXPECT_EQ(status.code(), StatusCode::kAlreadyExists) << target << ": " << status.message();
  }
  EXPECT_EQ(read("stage/a"), "new");
  EXPECT_EQ(read("out/a"), "old");
  EXPECT_EQ(read("file"), "old");
}

TEST_P(FileSystemConformance, ExchangesTwoDirectories) {
  make_directory("stage");
  write("stage/a", "new");
  make_directory("out");
  write("out/b", "old");
  ASSERT_TRUE(files().publish(path("stage"), path("out"), Replace::kExchange).ok());
  EXPECT_EQ(read("out/a"), "new");
  EXPECT_FALSE(exists("out/b"));
  EXPECT_EQ(read("stage/b"), "old");
}

TEST_P(FileSystemConformance, LinksOrCopiesAFileThatThenLivesOnItsOwn) {
  write("a", "contents");
  ASSERT_TRUE(files().hard_link_or_copy(path("a"), path("b")).ok());
  ASSERT_TRUE(files().remove_file(path("a")).ok());
  EXPECT_EQ(read("b"), "contents");
}

TEST_P(FileSystemConformance, LinksOverNothing) {
  write("a", "new");
  write("b", "old");
  EXPECT_EQ(files().hard_link_or_copy(path("a"), path("b")).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(read("b"), "old");
}

TEST_P(FileSystemConformance, RemovesATreeAndMindsNoneThatIsGone) {
  make_directory("x/y");
  write("x/a", "");
  write("x/y/b", "");
  EXPECT_TRUE(files().remove_tree(path("x")).ok());
  EXPECT_FALSE(exists("x"));
  EXPECT_TRUE(files().remove_tree(path("x")).ok());
}

TEST_P(FileSystemConformance, SyncsADirectoryAndKnowsFreeSpace) {
  write("a", "");
  EXPECT_TRUE(files().sync_directory(world_->root()).ok());
  EXPECT_TRUE(files().check_readable(path("a")).ok());
  const auto free = files().free_bytes(world_->root());
  ASSERT_TRUE(free.ok());
  EXPECT_GT(*free, 0u);
}

}  // namespace fanfold::io
