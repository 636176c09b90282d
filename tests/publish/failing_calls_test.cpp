// A publication whose system calls fail, one after the other: the output is what it was or the
// whole new one, the reason is one after which the master tries again, and the next try succeeds.

#include "tests/support/failing_calls.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "tests/publish/publish_fixture.hpp"

namespace fanfold::master {
namespace {

using support::CallFailure;
using testing::AnyOf;
using testing::HasSubstr;

namespace fs = std::filesystem;

class FailingCalls : public PublishFixture,
                     public testing::WithParamInterface<support::FailureCase> {
 protected:
  /// What workers do between the two halves: nothing of it fails here.
  void commit() {
    commit_two_parts();
    request_.maps = {attempt(8, {{"n-map", "first\n"}}), attempt(9, {{"n-map", "second\n"}})};
  }

  Contents output() const {
    Contents contents;
    if (!fs::exists(request_.spec.output)) return contents;
    for (const auto& entry : fs::directory_iterator(request_.spec.output)) {
      const std::string name = entry.path().filename();
      contents[name] = directory_.read("out/" + name);
    }
    return contents;
  }

  void expect_explained(const Status& status) const {
    EXPECT_FALSE(GetParam().failure.harmless) << status.message();
    // Those that the master takes for trouble of the disk, which may pass.
    EXPECT_THAT(status.code(), AnyOf(StatusCode::kIoError, StatusCode::kNoSpace))
        << status.message();
    if (GetParam().failure.error == ENOSPC) {
      EXPECT_EQ(status.code(), StatusCode::kNoSpace);
    }
    EXPECT_THAT(status.message(), HasSubstr(directory_.path()));
  }

  /// `set_up` makes what lies at the output path before.
  void expect_old_or_new(const std::function<void()>& set_up) {
    set_up();
    const Contents old = output();
    ASSERT_TRUE(prepare().ok());
    commit();
    ASSERT_TRUE(publish_now().ok());
    const Contents whole = output();
    const auto descriptors = support::open_descriptors();
    std::uint64_t unpublished = 0;
    const auto rounds = support::for_each_failing_call(
        GetParam().failure, GetParam().sticky,
        [&](const std::string& what) {
          const auto disturbed = publish_now();
          const std::uint64_t failed = support::disarm();
          SCOPED_TRACE(what);
          EXPECT_EQ(support::open_descriptors(), descriptors);
          const Contents seen = output();
          EXPECT_TRUE(seen == whole || (seen == old && !disturbed.ok()));
          if (seen != whole) ++unpublished;
          if (!disturbed.ok()) expect_explained(disturbed.status());
          expect_published(whole);
          return failed;
        },
        [&] {
          fs::remove_all(request_.spec.output);
          set_up();
          ASSERT_TRUE(prepare().ok());
          commit();
        });
    EXPECT_GT(rounds, 0u);
    if (!GetParam().failure.harmless) {
      EXPECT_GT(unpublished, 0u);
    }
  }

  /// The next try of the master, where nothing fails any more.
  void expect_published(const Contents& whole) {
    const auto again = publish_now();
    EXPECT_TRUE(again.ok()) << again.status().message();
    EXPECT_EQ(output(), whole);
    EXPECT_EQ(names(""), std::vector<std::string>{"out"});
  }

  std::vector<std::string> names(const std::string& directory) const {
    return *io::posix_file_system().list(directory_.path(directory));
  }
};

TEST_P(FailingCalls, OfAPublication) {
  expect_old_or_new([] {});
}

TEST_P(FailingCalls, OfAPublicationThatReplaces) {
  request_.spec.on_exists = proto::OnExists::kReplace;
  expect_old_or_new([this] {
    directory_.write("out/_SUCCESS", "{}");
    directory_.write("out/old", "old");
  });
}

TEST_P(FailingCalls, OfPreparing) {
  ASSERT_TRUE(prepare().ok());
  const auto descriptors = support::open_descriptors();
  support::for_each_failing_call(
      GetParam().failure, GetParam().sticky,
      [&](const std::string& what) {
        const Status prepared = prepare();
        const std::uint64_t failed = support::disarm();
        SCOPED_TRACE(what);
        EXPECT_EQ(support::open_descriptors(), descriptors);
        if (!prepared.ok()) expect_explained(prepared);
        EXPECT_TRUE(prepare().ok());
        commit();
        EXPECT_TRUE(publish_now().ok());
        EXPECT_EQ(names(""), std::vector<std::string>{"out"});
        return failed;
      },
      [&] {
        fs::remove_all(request_.spec.output);
        fs::remove_all(request_.staging);
      });
}

INSTANTIATE_TEST_SUITE_P(Each, FailingCalls,
                         testing::ValuesIn(support::cases_of(support::failures_of_files())),
                         [](const auto& info) { return testing::PrintToString(info.param); });

}  // namespace
}  // namespace fanfold::master
