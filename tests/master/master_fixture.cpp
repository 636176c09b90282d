#include "tests/master/master_fixture.hpp"

#include <filesystem>
#include <utility>

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

/// As long as a sentence; splits are cut at multiples of it.
constexpr std::size_t kLineBytes = 16;

std::string lines(std::uint32_t count) {
  std::string text;
  for (std::uint32_t i = 0; i < count; ++i) text += "fifteen letters\n";
  return text;
}

}  // namespace

MasterTest::~MasterTest() { crash_master(); }

void MasterTest::start_master(const Options& options) {
  auto transport = net::listen(address_, {.linger = 500ms});
  ASSERT_TRUE(transport.ok()) << transport.status().message();
  transport_ = *std::move(transport);
  ServiceSettings settings;
  settings.address = address_;
  settings.unique = "test" + std::to_string(stored_.epoch);
  settings.epoch = stored_.epoch;
  settings.state_id = stored_.state_id;
  settings.process = 42;
  settings.heartbeat_interval = options.heartbeat;
  settings.worker_silence_max = options.worker_silence;
  auto event_logs =
      EventFiles::open(directory_.path("events"), {.bytes_total = 1u << 30, .jobs = 9});
  ASSERT_TRUE(event_logs.ok()) << event_logs.status().message();
  event_logs_ = *std::move(event_logs);
  ServiceDoors doors{clock_, *files_, *transport_, *store_, log_};
  doors.events = event_logs_.get();
  doors.board = &board_;
  doors.questions = &questions_;
  auto blobs = BlobStore::open(*files_, directory_.path("blobs"), blob_limits_);
  ASSERT_TRUE(blobs.ok()) << blobs.status().message();
  blobs_ = *std::move(blobs);
  doors.blobs = blobs_.get();
  service_ = std::make_unique<MasterService>(settings, doors);
  const Status recovered = service_->recover(stored_);
  ASSERT_TRUE(recovered.ok()) << recovered.message();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    while (!stop.stop_requested() && !service_->stopped()) {
      outcome_ = service_->turn(1h);
      if (!outcome_.ok()) return;
    }
  });
}

Status MasterTest::start_master_on(const StoredState& stored) {
  auto transport = net::listen(address_, {.linger = 500ms});
  FANFOLD_RETURN_IF_ERROR(transport.status());
  ServiceSettings settings;
  settings.address = address_;
  settings.epoch = stored.epoch;
  MasterService service(settings, ServiceDoors{clock_, *files_, **transport, *store_, log_});
  return service.recover(stored);
}

void MasterTest::crash_master() {
  if (!service_) return;
  thread_.request_stop();
  transport_->wake();
  if (thread_.joinable()) thread_.join();
  service_.reset();
  transport_.reset();
  // What a next master finds.
  stored_ = store_->stored();
  store_ = std::make_unique<TestStore>(stored_);
}

void MasterTest::suspend_master() {
  thread_.request_stop();
  transport_->wake();
  thread_.join();
  service_->stop(StopReason::kSuspended);
  EXPECT_TRUE(service_->stopped());
  crash_master();
}

void MasterTest::let_pass(Duration time) {
  clock_.skip(time);
  transport_->wake();
}

Status MasterTest::join_master() {
  thread_.join();
  service_.reset();
  transport_.reset();
  return outcome_;
}

proto::JobSpec MasterTest::spec(std::uint32_t partitions) {
  return spec_with_splits(1, partitions);
}

proto::JobSpec MasterTest::spec_with_splits(std::uint32_t splits, std::uint32_t partitions) {
  proto::JobSpec spec;
  spec.job_name = "word_count";
  spec.plugin = {
      .name = "word_count.so", .path = "/plugins/word_count.so", .sha256 = std::string(64, 'a')};
  spec.inputs = {directory_.write("input.txt", lines(splits))};
  spec.output = directory_.path("out");
  spec.partitions = partitions;
  spec.split_bytes = kLineBytes;
  spec.submitted_by = "tester";
  return spec;
}

JobId MasterTest::submit_and_fail(FakeClient& client, FakeWorker& worker,
                                  const proto::FailureReport& failure) {
  proto::JobSpec once = spec(1);
  once.attempts_max = 1;
  const JobId job = client.submit(once);
  worker.fail(worker.expect_task(), failure);
  return job;
}

std::size_t MasterTest::staging_directories() const {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    if (entry.path().filename().string().find(".fanfold-") != std::string::npos) ++count;
  }
  return count;
}

}  // namespace fanfold::master
