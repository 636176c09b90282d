// Jobs whose input lies on hosts: who is asked what lies there, and what is believed.

#include <gmock/gmock.h>

#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class HostInputsTest : public MasterTest {
 protected:
  void SetUp() override {
    start_master();
    client_.emplace(address());
  }

  FakeWorker worker_on(const std::string& host, const std::string& host_id = "host") {
    return FakeWorker(address(), WorkerTraits{.name = host + "/1",
                                              .protocol = proto::kProtocolVersion,
                                              .host = host,
                                              .host_id = host_id});
  }
  void submit(const std::vector<std::string>& inputs) {
    proto::JobSpec job = spec();
    job.inputs = inputs;
    job.split_bytes = 1000;
    client_->connection().send(proto::Submit{.spec = job});
  }
  std::string refusal(const std::vector<std::string>& inputs) {
    submit(inputs);
    return answer();
  }
  std::string answer() {
    const auto answer = client_->expect<proto::Answer>();
    EXPECT_NE(answer.code, 0);
    return answer.message;
  }
  JobId accepted() {
    const auto answer = client_->expect<proto::Answer>();
    EXPECT_EQ(answer.code, 0) << answer.message;
    return answer.job;
  }
  static void list(FakeWorker& worker, const proto::ListHostFiles& question,
                   const std::vector<std::string>& paths) {
    proto::HostFilesListed listed;
    listed.worker = worker.id();
    listed.request = question.request;
    for (const std::string& path : paths) listed.files.push_back({0, path, 10});
    worker.connection().send(listed);
  }
  static void list(FakeWorker& worker, const std::vector<std::string>& paths) {
    list(worker, worker.expect<proto::ListHostFiles>(), paths);
  }
  static std::vector<std::string> paths_of(const proto::TaskAssignment& task) {
    std::vector<std::string> paths;
    for (const io::Piece& piece : task.split.pieces) paths.push_back(piece.path);
    return paths;
  }

  std::optional<FakeClient> client_;
};

TEST_F(HostInputsTest, AreListedByAWorkerOfEachHostAndReadThere) {
  FakeWorker b = worker_on("b");
  FakeWorker a = worker_on("a");
  FakeWorker nowhere(address(), WorkerTraits{});
  submit({"host://*/var/log/*.log"});
  const auto question = a.expect<proto::ListHostFiles>();
  EXPECT_THAT(question.patterns, ElementsAre("/var/log/*.log"));
  list(a, question, {"/var/log/x.log", "/var/log/y.log"});
  list(b, {"/var/log/x.log"});
  accepted();
  EXPECT_THAT(paths_of(a.expect_task()),
              ElementsAre("host://a/var/log/x.log", "host://a/var/log/y.log"));
  EXPECT_THAT(paths_of(b.expect_task()), ElementsAre("host://b/var/log/x.log"));
  EXPECT_EQ(nowhere.unread<proto::Assign>(), 0u);
}

TEST_F(HostInputsTest, OfHostsThatNobodyKnowsAreRefusedByName) {
  FakeWorker a = worker_on("a");
  EXPECT_THAT(refusal({"host://b/x"}),
              AllOf(HasSubstr("no worker is known of a host 'b'"), HasSubstr("there are: a")));
}

/// What the master answers to a worker of another machine that calls its host as one is called that
/// is there: nothing at first.
class HostNamesTest : public HostInputsTest {
 protected:
  void SetUp() override {
    HostInputsTest::SetUp();
    first_.emplace(worker_on("a", "machine/view-1"));
    other_.emplace(address());
  }
  void say_hello(const std::string& host_id) {
    proto::Hello hello = first_->hello();
    hello.uuid = "other";
    hello.name = "a/2";
    hello.host_id = host_id;
    other_->send(hello);
  }
  /// Its Hello again and again, as workers do, until there is an answer.
  std::string heard(const std::string& host_id) {
    for (int i = 0; i < 100; ++i) {
      say_hello(host_id);
      if (auto frame = other_->receive(100ms)) return *frame;
      let_pass(1s);
      first_->heartbeat({});
    }
    return {};
  }

  std::optional<FakeWorker> first_;
  std::optional<Connection> other_;
};

TEST_F(HostNamesTest, AreOfOneMachineAtATime) {
  const auto answer = proto::decode<proto::ClientReply>(heard("another/view-1"));
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(std::get<proto::Answer>(*answer).message,
              AllOf(HasSubstr("a/2"), HasSubstr("a/1"), HasSubstr("--host-name")));
}

TEST_F(HostNamesTest, AreSharedByWorkersOfAMachineWhateverTheySeeOfItsMounts) {
  const auto answer = proto::decode<proto::MasterMessage>(heard("machine/view-2"));
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(std::holds_alternative<proto::Welcome>(*answer));
}

TEST_F(HostNamesTest, ComeBackWithTheMachineWhenItsOldWorkerIsLost) {
  say_hello("after-boot/view");
  let_pass(9s);
  for (int i = 0; i < 100; ++i) {
    say_hello("after-boot/view");
    if (auto frame = other_->receive(100ms)) {
      const auto answer = proto::decode<proto::MasterMessage>(*frame);
      ASSERT_TRUE(answer.ok()) << "refused";
      EXPECT_TRUE(std::holds_alternative<proto::Welcome>(*answer));
      return;
    }
    let_pass(100ms);
  }
  ADD_FAILURE() << "nothing was said";
}

TEST_F(HostInputsTest, AreReadOnceForEachInputThatNamesThem) {
  FakeWorker a = worker_on("a");
  submit({"host://a/x", "host://a/x"});
  const auto question = a.expect<proto::ListHostFiles>();
  EXPECT_THAT(question.patterns, ElementsAre("/x"));
  list(a, question, {"/x"});
  accepted();
  EXPECT_THAT(paths_of(a.expect_task()), ElementsAre("host://a/x", "host://a/x"));
}

TEST_F(HostInputsTest, AreRefusedWhenTheirSizesCannotBe) {
  FakeWorker a = worker_on("a");
  submit({"host://a/x"});
  const auto question = a.expect<proto::ListHostFiles>();
  proto::HostFilesListed listed;
  listed.worker = a.id();
  listed.request = question.request;
  listed.files.push_back({0, "/x", std::uint64_t{1} << 63});
  a.connection().send(listed);
  EXPECT_THAT(answer(), HasSubstr("makes no sense"));
}

TEST_F(HostInputsTest, WaitForTheFirstWorker) {
  submit({"host://*/x"});
  FakeWorker a = worker_on("a");
  list(a, {"/x"});
  accepted();
}

TEST_F(HostInputsTest, AreAskedForAgainUntilThereIsAnAnswer) {
  FakeWorker a = worker_on("a");
  submit({"host://a/x"});
  const auto first = a.expect<proto::ListHostFiles>();
  let_pass(1s);
  EXPECT_EQ(a.expect<proto::ListHostFiles>().request, first.request);
  // From now on less and less often.
  let_pass(1s);
  a.heartbeat({});
  static_cast<void>(a.expect<proto::HeartbeatEcho>());
  EXPECT_EQ(a.unread<proto::ListHostFiles>(), 0u);
  let_pass(1s);
  EXPECT_EQ(a.expect<proto::ListHostFiles>().request, first.request);
  list(a, first, {"/x"});
  // Twice is once.
  list(a, first, {"/x"});
  accepted();
}

TEST_F(HostInputsTest, AreListedByAnotherWorkerWhenOneGoes) {
  FakeWorker first = worker_on("a");
  FakeWorker second = worker_on("a");
  submit({"host://a/x"});
  static_cast<void>(first.expect<proto::ListHostFiles>());
  first.connection().send(proto::Bye{.worker = first.id(), .finished = true});
  list(second, {"/x"});
  accepted();
}

TEST_F(HostInputsTest, AreRefusedWhenTheHostGoes) {
  FakeWorker a = worker_on("a");
  submit({"host://a/x"});
  static_cast<void>(a.expect<proto::ListHostFiles>());
  a.connection().send(proto::Bye{.worker = a.id(), .finished = true});
  EXPECT_THAT(answer(), HasSubstr("the worker of host a went away"));
}

TEST_F(HostInputsTest, AreRefusedWhenAHostTakesTooLong) {
  FakeWorker a = worker_on("a");
  FakeWorker b = worker_on("b");
  submit({"host://*/x"});
  list(b, {"/x"});
  static_cast<void>(a.expect<proto::ListHostFiles>());
  for (int i = 0; i < 70; ++i) {
    a.heartbeat({});
    b.heartbeat({});
    let_pass(1s);
  }
  EXPECT_THAT(answer(), HasSubstr("within 60 s: a"));
}

TEST_F(HostInputsTest, AreRefusedWithWhatTheHostSays) {
  FakeWorker a = worker_on("a");
  submit({"host://a/x"});
  const auto question = a.expect<proto::ListHostFiles>();
  proto::HostFilesListed listed;
  listed.worker = a.id();
  listed.request = question.request;
  listed.code = static_cast<std::uint8_t>(StatusCode::kInvalidArgument);
  listed.message = "no\x1b[2J";
  a.connection().send(listed);
  EXPECT_THAT(answer(), HasSubstr("host a: no?[2J"));
}

TEST_F(HostInputsTest, AreNotBelievedWhenTheyMakeNoSense) {
  FakeWorker a = worker_on("a");
  for (const std::vector<std::string>& paths : std::vector<std::vector<std::string>>{
           {"/../etc/passwd"}, {"relative"}, {"/a\nb"}, {"/b", "/a"}, {"/a", "/a"}}) {
    submit({"host://a/x"});
    list(a, paths);
    EXPECT_THAT(answer(), HasSubstr("makes no sense"));
  }
}

TEST_F(HostInputsTest, AreNotTakenFromAWorkerThatWasNotAsked) {
  FakeWorker a = worker_on("a");
  FakeWorker b = worker_on("b");
  submit({"host://a/x"});
  const auto question = a.expect<proto::ListHostFiles>();
  list(b, question, {"/of/b"});
  list(a, question, {"/x"});
  accepted();
  EXPECT_THAT(paths_of(a.expect_task()), ElementsAre("host://a/x"));
}

TEST_F(HostInputsTest, ThatMeanNoFileAreRefused) {
  FakeWorker a = worker_on("a");
  submit({"host://*/x*"});
  list(a, {});
  EXPECT_THAT(answer(), HasSubstr("no file matches host://*/x*"));
}

TEST_F(HostInputsTest, AreNotedWhereOneHostHasNone) {
  FakeWorker a = worker_on("a");
  FakeWorker b = worker_on("b");
  submit({"host://*/x"});
  list(a, {});
  list(b, {"/x"});
  const JobId job = accepted();
  const std::vector<std::string> notes = client_->status(job).notes;
  EXPECT_THAT(notes, testing::Contains(HasSubstr("host a: no file matches")));
}

TEST_F(HostInputsTest, GoOnUnderTheNextMaster) {
  std::optional<FakeWorker> b(worker_on("b"));
  submit({"host://b/x"});
  list(*b, {"/x"});
  const JobId job = accepted();
  static_cast<void>(b->expect_task());
  crash_master();
  start_master();
  FakeWorker a = worker_on("a");
  FakeWorker again = worker_on("b");
  FakeClient client(address());
  EXPECT_THAT(paths_of(again.expect_task()), ElementsAre("host://b/x"));
  EXPECT_EQ(a.unread<proto::Assign>(), 0u);
  EXPECT_FALSE(proto::is_final(client.status(job).state));
}

TEST_F(HostInputsTest, MayStandInLists) {
  FakeWorker a = worker_on("a");
  submit({"@" + directory().write("list", "host://a/x\n")});
  list(a, {"/x"});
  accepted();
  EXPECT_THAT(paths_of(a.expect_task()), ElementsAre("host://a/x"));
}

TEST_F(HostInputsTest, InListsAreRefusedAsOthersAre) {
  FakeWorker a = worker_on("a");
  const std::string list = "@" + directory().write("list", "host://b/x\n");
  EXPECT_THAT(refusal({list}), HasSubstr("no worker is known of a host 'b'"));
  EXPECT_THAT(refusal({"@" + directory().path("none")}), HasSubstr("none"));
  proto::JobSpec job = spec();
  job.inputs = {list};
  job.replicas.replicas = 2;
  client_->connection().send(proto::Submit{.spec = job});
  EXPECT_THAT(answer(), HasSubstr("leave out the replicas"));
}

TEST_F(HostInputsTest, AreShownToWhoOnlyAsks) {
  FakeWorker a = worker_on("a");
  const proto::ListInputs asked{.inputs = {"host://a/x", "host://*/y"}, .look_above = 5};
  client_->connection().send(asked);
  client_->connection().send(asked);
  const auto question = a.expect<proto::ListHostFiles>();
  EXPECT_THAT(question.patterns, ElementsAre("/x", "/y"));
  EXPECT_EQ(question.look_above, 5u);
  proto::HostFilesListed listed;
  listed.worker = a.id();
  listed.request = question.request;
  listed.files = {{.pattern = 0, .path = "/x/1", .size = 7, .modified_ns = 99},
                  {.pattern = 1, .path = "/y", .size = 8}};
  a.connection().send(listed);
  const auto told = client_->expect<proto::InputsListed>();
  EXPECT_EQ(told.code, 0) << told.message;
  EXPECT_EQ(told.inputs, asked.inputs);
  ASSERT_EQ(told.files.size(), 2u);
  EXPECT_EQ(told.files[0].path, "host://a/x/1");
  EXPECT_EQ(told.files[0].modified_ns, 99u);
  EXPECT_EQ(told.files[1].pattern, 1u);
  EXPECT_THAT(told.notes, testing::Contains(HasSubstr("input on 1 host: a")));
  // Once, however often it was asked; and no job comes of it.
  EXPECT_EQ(client_->ask<proto::JobList>(proto::ListJobs{}).jobs.size(), 0u);
}

TEST_F(HostInputsTest, AreNotShownWhenTheyAreNone) {
  FakeWorker a = worker_on("a");
  for (const std::string input : {"host://b/x", "/x", "host://a/../x"}) {
    const auto told = client_->ask<proto::InputsListed>(proto::ListInputs{.inputs = {input}});
    EXPECT_EQ(told.code, static_cast<std::uint8_t>(StatusCode::kInvalidArgument)) << input;
    EXPECT_THAT(told.files, testing::IsEmpty());
  }
}

TEST_F(HostInputsTest, AreNotLookedForWhenTheyAreTooManyToAnswer) {
  // Larger than half a frame: the answer would have to say them again.
  const std::string most(std::size_t{5} << 19, 'x');
  const std::vector<std::string> many(std::size_t{1} << 19);
  for (const std::vector<std::string>& inputs :
       {std::vector<std::string>{"host://a/" + most}, {most}, many}) {
    const auto told = client_->ask<proto::Answer>(proto::ListInputs{.inputs = inputs});
    EXPECT_EQ(told.code, static_cast<std::uint8_t>(StatusCode::kExhausted));
    EXPECT_THAT(told.message, HasSubstr("more than 1 MiB"));
  }
}

TEST_F(HostInputsTest, AreRefusedWhenTheirFilesAreTooManyToAnswer) {
  FakeWorker a = worker_on("a");
  client_->connection().send(proto::ListInputs{.inputs = {"host://a/x"}});
  proto::HostFilesListed listed;
  listed.worker = a.id();
  listed.request = a.expect<proto::ListHostFiles>().request;
  const std::string name = "/x/" + std::string(1000, 'x');
  for (int i = 1000; i < 4000; ++i) listed.files.push_back({0, name + std::to_string(i), 1});
  a.connection().send(listed);
  EXPECT_THAT(answer(), HasSubstr("3000 files, more than an answer names"));
}

TEST_F(HostInputsTest, AreRefusedWhenAllHostsTogetherWouldBeAskedForTooMuch) {
  std::vector<FakeWorker> workers;
  for (int i = 0; i < 24; ++i) workers.push_back(worker_on("a" + std::to_string(i)));
  std::vector<std::string> inputs;
  for (int i = 0; i < 250; ++i) inputs.push_back("host://*/" + std::string(3000, 'x'));
  const auto told = client_->ask<proto::InputsListed>(proto::ListInputs{.inputs = inputs});
  EXPECT_THAT(told.message, HasSubstr("takes more than 16 MiB"));
}

}  // namespace
}  // namespace fanfold::master
