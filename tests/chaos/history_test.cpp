// The history checker has to notice each broken promise, and none that was kept.

#include "tests/chaos/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfold::chaos {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using State = proto::JobState;

Instant at(int seconds) { return {std::chrono::seconds(seconds)}; }

class Seen : public testing::Test {
 protected:
  void submit(int when, const std::string& client, std::uint64_t job) {
    Operation one = operation(Operation::Kind::kSubmit, when, job);
    one.client_id = client;
    history_.add(one);
  }
  void status(int when, std::uint64_t job, State state, Answered answered = Answered::kOk) {
    Operation one = operation(Operation::Kind::kStatus, when, job);
    one.state = state;
    one.answered = answered;
    history_.add(one);
  }
  void output(int when, std::uint64_t job, bool there) {
    Operation one = operation(Operation::Kind::kLookAtOutput, when, job);
    one.output_there = there;
    history_.add(one);
  }
  static Operation operation(Operation::Kind kind, int when, std::uint64_t job) {
    Operation one;
    one.kind = kind;
    one.begin = at(when);
    one.end = at(when + 1);
    one.answered = Answered::kOk;
    one.job = JobId{job};
    return one;
  }

  History history_;
};

TEST_F(Seen, ProperlyIsNoViolation) {
  submit(0, "a", 1);
  status(1, 1, State::kRunning);
  output(2, 1, false);
  submit(3, "a", 1);
  status(4, 1, State::kRunning, Answered::kUnknown);
  status(5, 1, State::kPublishing);
  output(6, 1, true);
  status(7, 1, State::kSucceeded);
  output(8, 1, true);
  EXPECT_THAT(history_.violations(), IsEmpty());
}

TEST_F(Seen, AnAcceptedJobMayNotBeForgotten) {
  submit(0, "a", 1);
  status(2, 1, State::kRunning, Answered::kRefused);
  EXPECT_THAT(history_.violations(), ElementsAre(HasSubstr("accepted and then not known")));
}

TEST_F(Seen, OneClientIdIsOneJob) {
  submit(0, "a", 1);
  submit(2, "a", 2);
  EXPECT_THAT(history_.violations(),
              ElementsAre(HasSubstr("client id a was job 1 and then job 2")));
}

TEST_F(Seen, AStatusDoesNotGoBack) {
  status(0, 1, State::kPublishing);
  status(2, 1, State::kRunning);
  EXPECT_THAT(history_.violations(), ElementsAre(HasSubstr("was publishing and then running")));
}

TEST_F(Seen, AnEndStaysWhatItIs) {
  status(0, 1, State::kFailed);
  status(2, 1, State::kCancelled);
  EXPECT_THAT(history_.violations(), ElementsAre(HasSubstr("was failed and then cancelled")));
}

TEST_F(Seen, OperationsAtTheSameTimeAreInNoOrder) {
  Operation early = operation(Operation::Kind::kStatus, 0, 1);
  early.state = State::kSucceeded;
  Operation overlapping = operation(Operation::Kind::kStatus, 0, 1);
  overlapping.state = State::kRunning;
  history_.add(early);
  history_.add(overlapping);
  EXPECT_THAT(history_.violations(), IsEmpty());
}

TEST_F(Seen, SuccessWithoutOutputIsNone) {
  status(0, 1, State::kSucceeded);
  output(2, 1, false);
  EXPECT_THAT(history_.violations(), ElementsAre(HasSubstr("succeeded, but its output")));
}

TEST_F(Seen, AFailedJobHasNoOutput) {
  output(0, 1, true);
  status(2, 1, State::kFailed);
  EXPECT_THAT(history_.violations(), ElementsAre(HasSubstr("did not succeed, but its output")));
}

TEST_F(Seen, AnOutputIsNotThereBeforeItsJobPublishes) {
  output(0, 1, true);
  status(2, 1, State::kRunning);
  EXPECT_THAT(history_.violations(), ElementsAre(HasSubstr("did not succeed, but its output")));
}

}  // namespace
}  // namespace fanfold::chaos
