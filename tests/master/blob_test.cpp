// Clients bring plugins and side files to the master, workers fetch them from there.

#include "master/service/blob_desk.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include "common/digest/sha256.hpp"
#include "tests/exec/wrapped_file_system.hpp"
#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using testing::HasSubstr;

std::string digest_of(const std::string& bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.finish();
}

class BlobTest : public MasterTest {
 protected:
  static proto::PutBlob part(const std::string& file, std::uint64_t offset, std::size_t bytes) {
    return {.sha256 = digest_of(file),
            .size = file.size(),
            .offset = offset,
            .bytes = file.substr(offset, bytes)};
  }
  static proto::BlobReply put(FakeClient& client, const proto::PutBlob& message) {
    auto reply = client.ask<proto::BlobReply>(message);
    EXPECT_EQ(reply.sha256, message.sha256);
    EXPECT_EQ(reply.offset, message.offset);
    return reply;
  }
  static proto::BlobReply put(FakeClient& client, const std::string& file) {
    return put(client, part(file, 0, file.size()));
  }
  static StatusCode code_of(const proto::BlobReply& reply) {
    return static_cast<StatusCode>(reply.code);
  }
  static proto::BlobPart get(FakeWorker& worker, const std::string& sha256,
                             std::uint64_t offset = 0, bool damaged = false) {
    worker.connection().send(proto::GetBlob{
        .worker = worker.id(), .sha256 = sha256, .offset = offset, .damaged = damaged});
    return worker.expect<proto::BlobPart>();
  }
  std::string path_of(const std::string& file) const {
    return directory().path("blobs/" + digest_of(file));
  }
};

TEST_F(BlobTest, GoesPartByPartFromAClientToAWorker) {
  start_master();
  FakeClient client(address());
  std::string file(proto::kBlobPartBytes + 1000, 'p');
  file[proto::kBlobPartBytes] = 'q';
  EXPECT_FALSE(put(client, part(file, 0, 0)).kept);
  const proto::BlobReply first = put(client, part(file, 0, proto::kBlobPartBytes));
  EXPECT_EQ(first.taken, proto::kBlobPartBytes);
  EXPECT_FALSE(first.kept);
  EXPECT_TRUE(put(client, part(file, proto::kBlobPartBytes, 1000)).kept);
  EXPECT_TRUE(put(client, part(file, 0, 0)).kept);

  FakeWorker worker(address(), {});
  const proto::BlobPart one = get(worker, digest_of(file));
  EXPECT_EQ(one.size, file.size());
  const proto::BlobPart two = get(worker, digest_of(file), one.bytes.size());
  EXPECT_EQ(one.bytes + two.bytes, file);
  EXPECT_EQ(one.bytes.size(), proto::kBlobPartBytes);
}

TEST_F(BlobTest, GoesOnWhereAnEarlierClientStopped) {
  start_master();
  const std::string file = "of a plugin";
  {
    FakeClient client(address());
    EXPECT_EQ(put(client, part(file, 0, 4)).taken, 4u);
  }
  FakeClient client(address());
  EXPECT_EQ(put(client, part(file, 0, 0)).taken, 4u);
  // What came before, or leaves something out, changes nothing.
  EXPECT_EQ(put(client, part(file, 0, 4)).taken, 4u);
  EXPECT_EQ(put(client, part(file, 6, 2)).taken, 4u);
  EXPECT_TRUE(put(client, part(file, 4, 7)).kept);
}

TEST_F(BlobTest, IsRefusedWhenItIsNotWhatItsDigestSays) {
  start_master();
  FakeClient client(address());
  proto::PutBlob message = part("plugin", 0, 6);
  message.bytes = "plugon";
  const proto::BlobReply refused = put(client, message);
  EXPECT_EQ(code_of(refused), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message, HasSubstr("changed while it was sent"));
  EXPECT_FALSE(std::filesystem::exists(path_of("plugin")));
  EXPECT_TRUE(put(client, "plugin").kept);
}

TEST_F(BlobTest, IsRefusedWhenItMakesNoSense) {
  start_master();
  FakeClient client(address());
  const auto refuses = [&](const std::function<void(proto::PutBlob&)>& spoil) {
    proto::PutBlob message = part("plugin", 0, 3);
    spoil(message);
    return code_of(put(client, message)) == StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refuses([](auto& message) { message.sha256 = "../../etc/passwd"; }));
  EXPECT_TRUE(refuses([](auto& message) { message.sha256[0] = 'G'; }));
  EXPECT_TRUE(refuses([](auto& message) { message.size = proto::kBlobBytes + 1; }));
  EXPECT_TRUE(refuses([](auto& message) { message.size = 2; }));
  EXPECT_TRUE(refuses([](auto& message) { message.offset = 4; }));
  EXPECT_TRUE(refuses([](auto& message) { message.offset = ~std::uint64_t{0}; }));
  EXPECT_TRUE(refuses([](auto& message) {
    message.size = 2 * proto::kBlobPartBytes;
    message.bytes.resize(proto::kBlobPartBytes + 1);
  }));
  EXPECT_EQ(put(client, part("plugin", 0, 3)).taken, 3u);
  EXPECT_TRUE(refuses([](auto& message) { message.size = 7; }));
}

TEST_F(BlobTest, OfNoBytesIsOne) {
  start_master();
  FakeClient client(address());
  EXPECT_TRUE(put(client, "").kept);
  FakeWorker worker(address(), {});
  const proto::BlobPart part = get(worker, digest_of(""));
  EXPECT_EQ(part.code, 0u);
  EXPECT_EQ(part.size, 0u);
}

TEST_F(BlobTest, OutlivesTheMaster) {
  start_master();
  {
    FakeClient client(address());
    EXPECT_TRUE(put(client, "plugin").kept);
  }
  crash_master();
  start_master();
  FakeClient client(address());
  EXPECT_TRUE(put(client, part("plugin", 0, 0)).kept);
  FakeWorker worker(address(), {});
  EXPECT_EQ(get(worker, digest_of("plugin")).bytes, "plugin");
}

TEST_F(BlobTest, ThatAJobNamesStaysWhateverComes) {
  limit_blobs({.bytes = 10, .grace = Duration(0), .bytes_free = 0});
  start_master();
  FakeClient client(address());
  EXPECT_TRUE(put(client, "plugin").kept);
  EXPECT_TRUE(put(client, "other").kept);
  EXPECT_FALSE(std::filesystem::exists(path_of("plugin")));
  EXPECT_TRUE(put(client, "plugin").kept);
  proto::JobSpec job = spec(1);
  job.plugin.sha256 = digest_of("plugin");
  const JobId running = client.submit(job);
  const proto::BlobReply full = put(client, "other");
  EXPECT_EQ(code_of(full), StatusCode::kExhausted);
  EXPECT_THAT(full.message, HasSubstr("wait for jobs to end"));
  EXPECT_EQ(client.ask<proto::Answer>(proto::CancelJob{.job = running}).code, 0u);
  client.wait(running);
  EXPECT_TRUE(put(client, "other").kept);
}

TEST_F(BlobTest, ThatNobodyBroughtIsSaidNotToBeThere) {
  start_master();
  FakeWorker worker(address(), {});
  const proto::BlobPart part = get(worker, digest_of("plugin"));
  EXPECT_EQ(static_cast<StatusCode>(part.code), StatusCode::kNotFound);
  EXPECT_THAT(part.message, HasSubstr("the master has no copy"));
  EXPECT_EQ(static_cast<StatusCode>(get(worker, "../keys").code), StatusCode::kNotFound);
}

TEST_F(BlobTest, DamagedOnTheDiskIsFoundOutAndBroughtAnew) {
  start_master();
  FakeClient client(address());
  EXPECT_TRUE(put(client, "plugin").kept);
  FakeWorker worker(address(), {});
  // A worker that errs does no harm.
  EXPECT_TRUE(put(client, "other").kept);
  EXPECT_EQ(get(worker, digest_of("other"), 0, true).bytes, "other");
  directory().write("blobs/" + digest_of("plugin"), "plugon");
  EXPECT_EQ(get(worker, digest_of("plugin")).bytes, "plugon");
  const proto::BlobPart damaged = get(worker, digest_of("plugin"), 0, true);
  EXPECT_EQ(static_cast<StatusCode>(damaged.code), StatusCode::kCorruption);
  EXPECT_THAT(damaged.message, HasSubstr("submit the job again"));
  EXPECT_FALSE(std::filesystem::exists(path_of("plugin")));
  EXPECT_TRUE(put(client, "plugin").kept);
  EXPECT_EQ(get(worker, digest_of("plugin")).bytes, "plugin");
}

TEST_F(BlobTest, LostFromTheDiskIsFoundOutToo) {
  start_master();
  FakeClient client(address());
  EXPECT_TRUE(put(client, "plugin").kept);
  std::filesystem::remove(path_of("plugin"));
  FakeWorker worker(address(), {});
  EXPECT_EQ(static_cast<StatusCode>(get(worker, digest_of("plugin")).code),
            StatusCode::kCorruption);
  EXPECT_TRUE(put(client, "plugin").kept);
  EXPECT_EQ(get(worker, digest_of("plugin")).bytes, "plugin");
}

/// Opens nothing, as a process without descriptors.
class Exhausted final : public worker::WrappedFileSystem {
 public:
  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override {
    if (exhausted) return Status(StatusCode::kIoError, "cannot open " + path + ": too many");
    return WrappedFileSystem::open(path);
  }
  std::atomic<bool> exhausted = false;
};

TEST_F(BlobTest, StaysWhenItCannotBeReadJustNow) {
  Exhausted files;
  use_files(files);
  start_master();
  FakeClient client(address());
  EXPECT_TRUE(put(client, "plugin").kept);
  FakeWorker worker(address(), {});
  files.exhausted = true;
  EXPECT_EQ(static_cast<StatusCode>(get(worker, digest_of("plugin")).code),
            StatusCode::kUnavailable);
  EXPECT_EQ(static_cast<StatusCode>(get(worker, digest_of("plugin"), 0, true).code),
            StatusCode::kUnavailable);
  files.exhausted = false;
  EXPECT_EQ(get(worker, digest_of("plugin")).bytes, "plugin");
  crash_master();  // It uses `files` in threads of its own.
}

TEST_F(BlobTest, IsForWorkersThatAreKnown) {
  start_master();
  FakeWorker stranger(address(), {});
  stranger.connection().send(proto::GetBlob{.worker = {7}, .sha256 = digest_of("plugin")});
  stranger.expect<proto::Unknown>();
}

TEST_F(BlobTest, IsNotSentTwiceWhileItIsOnItsWay) {
  start_master();
  FakeClient client(address());
  EXPECT_TRUE(put(client, "plugin").kept);
  FakeWorker worker(address(), {});
  const proto::GetBlob question{.worker = worker.id(), .sha256 = digest_of("plugin")};
  worker.connection().send(question);
  worker.connection().send(question);
  worker.expect<proto::BlobPart>();
  for (int turn = 0; turn < 2; ++turn) {
    worker.heartbeat({});
    worker.expect<proto::HeartbeatEcho>();
  }
  EXPECT_EQ(worker.unread<proto::BlobPart>(), 0u);
  // It may have been lost.
  let_pass(std::chrono::seconds(3));
  EXPECT_EQ(get(worker, digest_of("plugin")).bytes, "plugin");
}

TEST_F(BlobTest, OfAnUploadThatWasGivenUpIsNoBurden) {
  limit_blobs({.bytes = 10, .patience = std::chrono::seconds(1), .bytes_free = 0});
  start_master();
  FakeClient client(address());
  EXPECT_EQ(put(client, part("12345678", 0, 4)).taken, 4u);
  EXPECT_EQ(code_of(put(client, "plugin")), StatusCode::kExhausted);
  // A question is no progress.
  let_pass(std::chrono::seconds(1));
  EXPECT_EQ(put(client, part("12345678", 0, 0)).taken, 0u);
  EXPECT_TRUE(put(client, "plugin").kept);
}

TEST_F(BlobTest, GoesToManyAtOnceBesideHeartbeats) {
  start_master();
  FakeClient client(address());
  const std::string file(proto::kBlobPartBytes, 'p');
  EXPECT_TRUE(put(client, file).kept);
  std::vector<std::unique_ptr<FakeWorker>> workers;
  for (std::size_t i = 0; i < 2 * kBlobPartsPerTurn + 1; ++i) {
    workers.push_back(
        std::make_unique<FakeWorker>(address(), WorkerTraits{.name = "h/" + std::to_string(i)}));
  }
  for (const auto& worker : workers) {
    worker->connection().send(proto::GetBlob{.worker = worker->id(), .sha256 = digest_of(file)});
    worker->heartbeat({});
  }
  for (const auto& worker : workers) {
    worker->expect<proto::HeartbeatEcho>();
    EXPECT_EQ(worker->expect<proto::BlobPart>().bytes, file);
  }
}

}  // namespace
}  // namespace fanfold::master
