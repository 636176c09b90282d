// What a worker lists of its host, and what it opens: no more than it was told to let others read.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "common/core/limits.hpp"
#include "common/storage/storage.hpp"
#include "tests/io/temporary_directory.hpp"
#include "worker/service/list_host_files.hpp"
#include "worker/service/threaded_host_lister.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HostFilesTest : public testing::Test {
 protected:
  HostFilesTest() {
    directory_.write("log/b.log", "bb\n");
    directory_.write("log/a.log", "a\n");
    directory_.write("log/deep/c.log", "c\n");
    directory_.write("log/other.txt", "x\n");
    directory_.write("secret/key.log", "secret\n");
    readable_ = {"h1", {directory_.path("log")}};
  }

  proto::HostFilesListed list(const std::vector<std::string>& patterns,
                              std::uint64_t look_above = 1u << 20) {
    const auto by_host = storage_on_host(readable_);
    proto::ListHostFiles question;
    question.request = 7;
    question.look_above = look_above;
    for (const std::string& pattern : patterns) {
      question.patterns.push_back(directory_.path(pattern));
    }
    return list_host_files(io::posix_file_system(), *by_host, readable_, question,
                           [this] { return stopped_; });
  }
  std::vector<std::string> names(const proto::HostFilesListed& listed) const {
    EXPECT_EQ(listed.message, "");
    std::vector<std::string> names;
    for (const proto::HostFile& file : listed.files) {
      names.push_back(file.path.substr(directory_.path().size() + 1));
    }
    return names;
  }
  Status open(const std::string& path) const {
    return storage_on_host(readable_)->open(path).status();
  }

  io::TemporaryDirectory directory_;
  inputs::HostInputs readable_;
  bool stopped_ = false;
};

TEST_F(HostFilesTest, AreFoundByPatternsDirectoriesAndNames) {
  EXPECT_THAT(names(list({"log/*.log"})), ElementsAre("log/a.log", "log/b.log"));
  EXPECT_THAT(names(list({"log/**/*.log"})),
              ElementsAre("log/a.log", "log/b.log", "log/deep/c.log"));
  EXPECT_THAT(names(list({"log/deep"})), ElementsAre("log/deep/c.log"));
  EXPECT_THAT(names(list({"log/other.txt"})), ElementsAre("log/other.txt"));
  EXPECT_THAT(names(list({"log/none*", "log/none"})), IsEmpty());
}

TEST_F(HostFilesTest, AreListedPatternByPatternWithTheirSizes) {
  const proto::HostFilesListed listed = list({"log/b.log", "log/*.log"});
  ASSERT_EQ(listed.files.size(), 3u);
  EXPECT_EQ(listed.request, 7u);
  EXPECT_EQ(listed.files[0].pattern, 0u);
  EXPECT_EQ(listed.files[0].size, 3u);
  EXPECT_EQ(listed.files[1].pattern, 1u);
}

TEST_F(HostFilesTest, AreLookedIntoWhenTheyAreLarge) {
  const std::string gzip("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
  directory_.write("log/z.gz", gzip);
  EXPECT_EQ(list({"log/z.gz"}, 9).files.at(0).compression, io::Compression::kGzip);
  EXPECT_EQ(list({"log/z.gz"}, 10).files.at(0).compression, io::Compression::kNone);
}

TEST_F(HostFilesTest, AreNotListedElsewhere) {
  for (const char* pattern : {"secret/key.log", "secret/*", "*/key.log", "logbook/x", "**"}) {
    const proto::HostFilesListed listed = list({pattern});
    EXPECT_THAT(names(listed), IsEmpty()) << pattern;
    EXPECT_EQ(listed.left_out, 1u);
    EXPECT_THAT(listed.left_out_first, HasSubstr("(--host-input of fanfold-worker)"));
  }
}

TEST_F(HostFilesTest, AreNotListedOnAWayBack) {
  for (const char* pattern : {"log/../secret/key.log", "log/\\.\\./secret/*", "log/.\\./secret/k*",
                              "log/*/..", "log/deep/\\../*"}) {
    const proto::HostFilesListed listed = list({pattern});
    EXPECT_EQ(listed.code, static_cast<std::uint8_t>(StatusCode::kInvalidArgument)) << pattern;
    EXPECT_THAT(listed.message, HasSubstr("'..'"));
    EXPECT_THAT(listed.files, IsEmpty());
  }
}

TEST_F(HostFilesTest, TellNothingOfNamesBehindALinkThatLeadsElsewhere) {
  ASSERT_EQ(::symlink(directory_.path("secret").c_str(), directory_.path("log/way").c_str()), 0);
  ASSERT_EQ(::symlink("/", directory_.path("log/all").c_str()), 0);
  const proto::HostFilesListed none = list({"log/way/gone.log"});
  for (const char* pattern :
       {"log/way/key.log", "log/way/*", "log/way/**", "log/way", "log/w*/key.log", "log/*/key.log",
        "log/all/etc/pass*", "log/a*/etc/passwd"}) {
    const proto::HostFilesListed listed = list({pattern});
    EXPECT_THAT(names(listed), IsEmpty()) << pattern;
    EXPECT_GE(listed.left_out, 1u) << pattern;
    EXPECT_THAT(listed.left_out_first, testing::Not(HasSubstr("No such"))) << pattern;
    const std::string first = listed.left_out_first.substr(0, listed.left_out_first.find(' '));
    const bool spelled = directory_.path(pattern) == first;
    EXPECT_TRUE(spelled || first.find("key") == std::string::npos) << listed.left_out_first;
  }
  // What is there and what is not look alike.
  EXPECT_EQ(list({"log/way/key.log"}).left_out, none.left_out);
}

TEST_F(HostFilesTest, AreLeftOutWhenALinkLeadsElsewhere) {
  ASSERT_EQ(::symlink(directory_.path("secret").c_str(), directory_.path("log/way").c_str()), 0);
  ASSERT_EQ(::symlink("../secret/key.log", directory_.path("log/l.log").c_str()), 0);
  ASSERT_EQ(::symlink("a.log", directory_.path("log/m.log").c_str()), 0);
  const proto::HostFilesListed listed = list({"log/**/*.log"});
  EXPECT_THAT(names(listed), ElementsAre("log/a.log", "log/b.log", "log/deep/c.log", "log/m.log"));
  EXPECT_EQ(listed.left_out, 2u);
  EXPECT_THAT(listed.left_out_first, HasSubstr("--host-input"));
  // Named itself, too.
  EXPECT_THAT(names(list({"log/l.log"})), IsEmpty());
}

TEST_F(HostFilesTest, AreLeftOutWhenTheyAreNoFilesOrHaveStrangeNames) {
  ASSERT_EQ(::mkfifo(directory_.path("log/p.log").c_str(), 0600), 0);
  directory_.write("log/two\nlines.log", "x\n");
  ASSERT_EQ(::symlink("nowhere", directory_.path("log/deep/n.log").c_str()), 0);
  const proto::HostFilesListed listed = list({"log"});
  EXPECT_THAT(names(listed),
              ElementsAre("log/a.log", "log/b.log", "log/deep/c.log", "log/other.txt"));
  EXPECT_EQ(listed.left_out, 3u);
}

TEST_F(HostFilesTest, AreNoMoreThanAnAnswerHolds) {
  std::string deep = "log/";
  for (int i = 0; i < 15; ++i) deep += std::string(240, 'd') + "/";
  for (std::size_t i = 0; i <= limits::kHostPathBytes / deep.size(); ++i) {
    directory_.write(deep + std::to_string(i), "");
  }
  const proto::HostFilesListed listed = list({"log/**"});
  EXPECT_EQ(listed.code, static_cast<std::uint8_t>(StatusCode::kExhausted));
  EXPECT_THAT(listed.message, HasSubstr("narrow the pattern"));
  EXPECT_THAT(listed.files, IsEmpty());
}

TEST_F(HostFilesTest, AreNotLookedForAnyMoreWhenNobodyWaits) {
  stopped_ = true;
  EXPECT_EQ(list({"log/**"}).code, static_cast<std::uint8_t>(StatusCode::kAborted));
}

/// A clock of the test, which is late as soon as somebody says so.
class LateClock final : public Clock {
 public:
  Instant now() const override { return Instant{late_ ? 100s : 10s}; }
  void be_late() { late_ = true; }

 private:
  std::atomic<bool> late_ = false;
};

TEST_F(HostFilesTest, AreNotLookedForWhenNobodyAsksAnyMore) {
  LateClock clock;
  auto lister = ThreadedHostLister::make(io::posix_file_system(), clock, readable_);
  ASSERT_TRUE(lister.ok());
  const auto question = [this](std::uint64_t request) {
    proto::ListHostFiles question;
    question.request = request;
    question.patterns = {directory_.path("log/*.log")};
    return question;
  };
  const auto answers = [&] {
    std::vector<proto::HostFilesListed> all;
    pollfd there{(*lister)->descriptor(), POLLIN, 0};
    while (all.empty()) {
      EXPECT_EQ(::poll(&there, 1, 60'000), 1);
      all = (*lister)->take();
    }
    return all;
  };
  (*lister)->list(question(1));
  EXPECT_EQ(answers()[0].files.size(), 2u);
  // By the time it is looked for, nobody waits for this one any more.
  (*lister)->list(question(2));
  clock.be_late();
  (*lister)->list(question(3));
  const auto late = answers();
  EXPECT_EQ(late.back().request, 3u);
}

TEST_F(HostFilesTest, AreOpenedByTheNameOfTheHostAndInTheDirectoriesAlone) {
  const std::string log = "host://h1" + directory_.path("log/a.log");
  EXPECT_TRUE(open(log).ok()) << open(log).message();
  EXPECT_THAT(open("host://h2" + directory_.path("log/a.log")).message(),
              HasSubstr("this is host h1"));
  EXPECT_EQ(open("host://h1" + directory_.path("secret/key.log")).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(open("host://h1" + directory_.path("log/../secret/key.log")).code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(open("host://h1" + directory_.path("log/gone.log")).code(), StatusCode::kNotFound);
  EXPECT_EQ(open("host://h1" + directory_.path("log")).code(), StatusCode::kInvalidArgument);
  ASSERT_EQ(::mkfifo(directory_.path("log/p").c_str(), 0600), 0);
  EXPECT_EQ(open("host://h1" + directory_.path("log/p")).code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(storage().open(log).ok());
}

TEST_F(HostFilesTest, AreNotWritten) {
  const auto files = storage_on_host({"h1", {"/"}});
  const std::string path = "host://h1" + directory_.path("log/new");
  EXPECT_FALSE(files->create(path).ok());
  EXPECT_FALSE(files->remove_file("host://h1" + directory_.path("log/a.log")).ok());
  EXPECT_FALSE(files->remove_tree("host://h1" + directory_.path("log")).ok());
}

}  // namespace
}  // namespace fanfold::worker
