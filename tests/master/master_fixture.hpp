// A master service with its real sockets, files and threads in a directory of the test's own.  It
// turns in a thread; clients and workers act in the test's thread.

#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
#include "common/net/transport.hpp"
#include "master/events/event_files.hpp"
#include "master/service/service.hpp"
#include "tests/io/temporary_directory.hpp"
#include "tests/master/peers.hpp"
#include "tests/master/test_store.hpp"

namespace fanfold::master {

/// The real clock, put forward as a test asks.
class SkippingClock final : public Clock {
 public:
  Instant now() const override { return steady_clock().now() + skipped_.load(); }
  void skip(Duration time) { skipped_.store(skipped_.load() + time); }

 private:
  std::atomic<Duration> skipped_ = Duration(0);
};

class MasterTest : public ::testing::Test {
 protected:
  ~MasterTest() override;

  struct Options {
    Duration worker_silence = limits::kWorkerSilence;
    Duration heartbeat = limits::kHeartbeatInterval;
  };
  /// Of masters started from now on.
  void use_files(io::FileSystem& files) { files_ = &files; }
  void limit_blobs(const BlobStore::Limits& limits) { blob_limits_ = limits; }
  void start_master() { start_master(Options{}); }
  void start_master(const Options& options);
  /// What a master says that is started over `stored`.
  Status start_master_on(const StoredState& stored);
  /// Ends it without any farewell, as a crash would; the store stays.
  void crash_master();
  /// Ends it as a signal would, with its store for the next one.
  void suspend_master();
  /// For the master `time` has passed, at once.
  void let_pass(Duration time);
  /// The outcome of a master that ended by itself.
  Status join_master();

  /// A word count of one small file with `partitions` reducers; the plan makes one split.
  proto::JobSpec spec(std::uint32_t partitions = 1);
  /// The same, with its input cut into `splits`.
  proto::JobSpec spec_with_splits(std::uint32_t splits, std::uint32_t partitions);

  /// A job of one map, which may fail once and does.
  JobId submit_and_fail(FakeClient& client, FakeWorker& worker,
                        const proto::FailureReport& failure);

  const std::string& address() const { return address_; }
  const io::TemporaryDirectory& directory() const { return directory_; }
  TestStore& store() { return *store_; }
  web::Board& board() { return board_; }
  /// Of pages; a master must run.
  web::Questions& questions() { return questions_; }
  std::size_t staging_directories() const;

 private:
  io::TemporaryDirectory directory_;
  std::string address_ = "ipc://" + directory_.path("master.sock");
  StoredState stored_{.epoch = 1, .state_id = 77, .facts = {}};
  std::unique_ptr<TestStore> store_ = std::make_unique<TestStore>(stored_);
  SkippingClock clock_;
  io::FileSystem* files_ = &io::posix_file_system();
  Log log_;
  web::Board board_;
  web::Questions questions_{[this] { transport_->wake(); }};
  std::unique_ptr<EventFiles> event_logs_;
  std::unique_ptr<net::BoundTransport> transport_;
  BlobStore::Limits blob_limits_{.bytes_free = 0};
  std::unique_ptr<BlobStore> blobs_;
  std::unique_ptr<MasterService> service_;
  Status outcome_;
  std::jthread thread_;
};

}  // namespace fanfold::master
