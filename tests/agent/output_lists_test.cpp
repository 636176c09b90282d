#include "worker/agent/output_lists.hpp"

#include <gtest/gtest.h>

#include "common/proto/output_list.hpp"

namespace fanfold::worker::agency {
namespace {

constexpr JobId kJob{1};

/// Of three pages or more.
std::vector<proto::ListPage> pages_of(std::uint64_t version) {
  proto::OutputList list;
  list.holders.resize(1);
  for (std::uint32_t split = 0; split < 1000; ++split) {
    list.outputs.push_back({split, {version * 10'000 + split}, 0});
  }
  const std::vector<std::string> packed = proto::pack_outputs(list, 1024);
  std::vector<proto::ListPage> pages;
  for (const std::string& one : packed) {
    pages.push_back({kJob, version, 0, static_cast<std::uint32_t>(pages.size()),
                     static_cast<std::uint32_t>(packed.size()), one});
  }
  return pages;
}

class OutputListsTest : public ::testing::Test {
 protected:
  std::uint64_t version() const {
    const OutputLists::Known* known = lists.find(kJob);
    return known != nullptr ? known->version : 0;
  }
  OutputLists lists;
};

TEST_F(OutputListsTest, AreWholeWithTheirLastPageInAnyOrder) {
  std::vector<proto::ListPage> pages = pages_of(1);
  ASSERT_GT(pages.size(), 2u);
  for (std::size_t i = pages.size(); i-- > 1;) {
    EXPECT_FALSE(lists.add(pages[i]));
    EXPECT_FALSE(lists.add(pages[i])) << "it came twice";
    EXPECT_EQ(lists.find(kJob), nullptr);
  }
  EXPECT_TRUE(lists.add(pages[0]));
  EXPECT_EQ(lists.find(kJob)->list->outputs.size(), 1000u);
  EXPECT_FALSE(lists.add(pages[0]));
}

TEST_F(OutputListsTest, PagesOfTwoVersionsAreNotMixed) {
  const auto old = pages_of(1);
  const auto fresh = pages_of(2);
  for (std::size_t i = 0; i + 1 < old.size(); ++i) lists.add(old[i]);
  for (std::size_t i = 0; i + 1 < fresh.size(); ++i) EXPECT_FALSE(lists.add(fresh[i]));
  EXPECT_FALSE(lists.add(old.back()));
  EXPECT_TRUE(lists.add(fresh.back()));
  EXPECT_EQ(version(), 2u);
  EXPECT_EQ(lists.find(kJob)->list->outputs[0].attempt.value, 20'000u);
}

TEST_F(OutputListsTest, AnOldOneStaysUntilANewOneIsWhole) {
  for (const auto& page : pages_of(1)) lists.add(page);
  const auto fresh = pages_of(2);
  for (std::size_t i = 0; i + 1 < fresh.size(); ++i) lists.add(fresh[i]);
  EXPECT_EQ(version(), 1u);
  lists.add(fresh.back());
  EXPECT_EQ(version(), 2u);
  for (const auto& page : pages_of(1)) EXPECT_FALSE(lists.add(page));
  EXPECT_EQ(version(), 2u);
}

TEST_F(OutputListsTest, ADamagedOneMayComeAgain) {
  auto pages = pages_of(1);
  auto bad = pages;
  bad[0].packed.pop_back();
  for (const auto& page : bad) EXPECT_FALSE(lists.add(page));
  EXPECT_EQ(lists.find(kJob), nullptr);
  for (std::size_t i = 0; i + 1 < pages.size(); ++i) EXPECT_FALSE(lists.add(pages[i]));
  EXPECT_TRUE(lists.add(pages.back()));
}

TEST_F(OutputListsTest, APageThatCannotBeIsDropped) {
  proto::ListPage page = pages_of(1)[0];
  page.page = page.pages;
  EXPECT_FALSE(lists.add(page));
  page.pages = 0;
  EXPECT_FALSE(lists.add(page));
}

TEST_F(OutputListsTest, AJobIsForgottenWhole) {
  for (const auto& page : pages_of(1)) lists.add(page);
  lists.forget(kJob);
  EXPECT_EQ(lists.find(kJob), nullptr);
}

}  // namespace
}  // namespace fanfold::worker::agency
