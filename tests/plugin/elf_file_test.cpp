#include "worker/plugin/elf_file.hpp"

#include <gmock/gmock.h>

#include <random>

#include "fanfold/abi.hpp"
#include "tests/plugin/plugin_fixture.hpp"

namespace fanfold::worker {
namespace {

using testing::HasSubstr;

class ElfFileTest : public PluginFixture {};

TEST_F(ElfFileTest, NamesTheFunctionAtAnAddress) {
  const auto file = ElfFile::open(plugin("not_a_plugin"));
  ASSERT_TRUE(file.ok());
  std::string found;
  for (std::uint64_t address = 0; address < 0x4000 && found.empty(); ++address) {
    if (file->function_at(address) == "answer") found = file->function_at(address);
  }
  EXPECT_EQ(found, "answer");
  EXPECT_EQ(file->function_at(~0ull), "");
}

TEST_F(ElfFileTest, SurvivesEveryCut) {
  const std::string whole = contents_of(plugin("no_entry_point"));
  for (std::size_t size = 0; size < whole.size(); size += 1 + size / 16) {
    const auto file = ElfFile::open(file_with(whole.substr(0, size)));
    if (!file.ok()) continue;
    static_cast<void>(file->note("fanfold", abi::kNoteType));
    static_cast<void>(file->function_at(0x1100));
    static_cast<void>(file->address_of_offset(0x1100));
  }
}

TEST_F(ElfFileTest, SurvivesDamagedHeaders) {
  const std::string whole = contents_of(plugin("no_entry_point"));
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  int opened = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 4; ++i) {
      // The headers and notes are at the beginning, the section table at the end.
      const std::size_t at =
          random() % 2 == 0 ? random() % 1024 : damaged.size() - 1 - random() % 2048;
      damaged[at] = static_cast<char>(random());
    }
    const auto file = ElfFile::open(file_with(damaged));
    --files_;
    if (!file.ok()) continue;
    ++opened;
    static_cast<void>(file->note("fanfold", abi::kNoteType));
    static_cast<void>(file->function_at(0x1100));
  }
  EXPECT_GT(opened, 0) << "seed " << kSeed;
}

TEST_F(ElfFileTest, RefusesAFileThatEndsInItsHeader) {
  const auto file = ElfFile::open(file_with(contents_of(plugin("no_entry_point")).substr(0, 40)));
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.status().message(), HasSubstr("cut short"));
}

}  // namespace
}  // namespace fanfold::worker
