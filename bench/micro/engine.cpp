// What the engine does around the plugin, one thing at a time: codecs of keys, values and messages,
// dispatch of tasks, segments that are read and fetched.  Each counter is the time of one of them.
//
//   bench_engine [--benchmark_filter=REGEX ...]

#include <benchmark/benchmark.h>
#include <fanfold/key_codec.hpp>
#include <fanfold/value_codec.hpp>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "common/core/check.hpp"
#include "common/core/clock.hpp"
#include "common/io/kept_runs.hpp"
#include "common/net/key_pair.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "common/security/peer_list.hpp"
#include "master/scheduler/scheduler.hpp"
#include "worker/exec/gathered_segments.hpp"
#include "worker/shuffle/data_server.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::bench {
namespace {

/// Of `each`, so many in every iteration.
void count(benchmark::State& state, const char* each, std::size_t in_one) {
  state.counters[each] =
      benchmark::Counter(static_cast<double>(in_one) * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

class Directory {
 public:
  Directory() {
    std::string path = std::filesystem::temp_directory_path() / "fanfold-bench-XXXXXX";
    FANFOLD_CHECK(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void codec(benchmark::State& state) {
  using Key = std::pair<std::string_view, std::int64_t>;
  using Value = std::pair<std::uint64_t, std::string_view>;
  constexpr std::size_t kPairs = 1000;
  Bytes bytes;
  Scratch scratch;
  for ([[maybe_unused]] auto round : state) {
    for (std::size_t i = 0; i < kPairs; ++i) {
      bytes.clear();
      encode_key(Key("a key of some length", static_cast<std::int64_t>(i) - 500), bytes);
      const std::size_t key_size = bytes.size();
      encode_value(Value(i * 1000, "and what belongs to it"), bytes);
      Key key;
      Value value;
      scratch.reset();
      const bool good = decode_key(bytes.view().substr(0, key_size), key, scratch) &&
                        decode_value(bytes.view().substr(key_size), value, scratch);
      if (!good || value.first != i * 1000) state.SkipWithError("a pair did not come back");
      benchmark::DoNotOptimize(key);
    }
  }
  count(state, "time/pair", kPairs);
}

void encode(benchmark::State& state) {
  proto::CommitRequest commit;
  commit.worker = WorkerId{3};
  commit.attempt = AttemptId{12345};
  commit.report.records_in = 1'000'000;
  commit.report.counters = {{"lines", 7}, {"words", 70}};
  commit.report.files.resize(1);
  commit.report.files[0].name = "part-00000-of-00001";
  for ([[maybe_unused]] auto round : state) {
    const auto decoded = proto::decode<proto::WorkerMessage>(proto::encode(commit));
    if (!decoded.ok()) state.SkipWithError("a message did not come back");
    benchmark::DoNotOptimize(decoded);
  }
  count(state, "time/message", 1);
}

/// All tasks of a job through a scheduler and one worker, which commits in the order of assignment.
void dispatch(benchmark::State& state) {
  constexpr WorkerId kWorker{1};
  const auto maps = static_cast<std::size_t>(state.range(0));
  for ([[maybe_unused]] auto round : state) {
    master::Scheduler scheduler({.worker_silence_max = std::chrono::seconds(10)});
    master::Output output;
    Instant now;
    master::WorkerJoined joined;
    joined.worker = kWorker;
    joined.slots = 8;
    scheduler.step(now, joined, &output);
    master::JobSubmitted submitted;
    submitted.job = JobId{1};
    submitted.split_bytes.assign(maps, 1);
    scheduler.step(now, submitted, &output);
    std::size_t committed = 0;
    std::deque<AttemptId> running;
    for (;;) {
      for (const master::Action& action : output.actions) {
        const auto* assigned = std::get_if<master::AssignAttempt>(&action);
        if (assigned != nullptr) running.push_back(assigned->attempt);
      }
      output = {};
      if (running.empty()) break;
      master::CommitRequested done;
      done.worker = kWorker;
      done.attempt = running.front();
      running.pop_front();
      scheduler.step(now, done, &output);
      ++committed;
    }
    if (committed != maps + 1) state.SkipWithError("not every task was done once");
  }
  count(state, "time/task", maps + 1);
}

/// A run file of `partitions` segments, each of one block of `bytes` bytes of one-byte records.
void write_run(const std::string& path, std::uint32_t partitions, std::size_t records) {
  auto writer = io::create_run_file(io::posix_file_system(), path, io::BlockCompression::kNone);
  FANFOLD_CHECK(writer.ok());
  std::string block;
  for (std::size_t i = 0; i < records; ++i) {
    block += "\x08\x04";  // Sizes of key and value.
    block += "key" + std::to_string(10'000 + i % 90'000) + "data";
  }
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    FANFOLD_CHECK((*writer)->write(partition, block, {records, partition, 0}).ok());
  }
  FANFOLD_CHECK((*writer)->finish().ok());
}

/// Reduces of many maps: of each file a segment of some bytes, found, read, checked and sorted.
void gather(benchmark::State& state) {
  constexpr std::uint32_t kPartitions = 200;
  constexpr std::size_t kFiles = 100;
  const Directory directory;
  std::vector<worker::LocalSegment> inputs(kFiles);
  for (std::size_t i = 0; i < kFiles; ++i) {
    inputs[i].path = directory.path() + "/" + std::to_string(i);
    write_run(inputs[i].path, kPartitions, 8);
  }
  const worker::SegmentList list = worker::make_segment_list(std::move(inputs));
  for ([[maybe_unused]] auto round : state) {
    io::KeptRuns runs(io::posix_file_system());
    runs.begin(list, kFiles, 64u << 20);
    for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
      std::vector<worker::FoundSegment> found;
      for (std::size_t i = 0; i < kFiles; ++i) {
        const auto segment = runs.find(i, (*list)[i].path, partition);
        FANFOLD_CHECK(segment.ok());
        found.push_back({&(*list)[i], i, *segment});
      }
      worker::GatheredSegments::Options options;
      options.on_failure = [](const worker::LocalSegment&, const Status&) { std::abort(); };
      worker::GatheredSegments source({runs, runs}, found, options);
      if (source.next().size() != kFiles * 8 * 14) state.SkipWithError("records are missing");
    }
  }
  count(state, "time/segment", kFiles * kPartitions);
}

/// Both ends of a connection between workers.
struct Ends {
  net::Protection serving;
  net::Protection fetching;
};

Ends plain_ends() { return {net::UnprotectedLoopback{}, net::UnprotectedLoopback{}}; }

Ends keyed_ends() {
  const auto server = std::make_shared<const security::KeyPair>(net::make_key_pair());
  const auto reader = std::make_shared<const security::KeyPair>(net::make_key_pair());
  const auto peers = std::make_shared<security::PeerList>();
  peers->replace(1, {reader->public_key});
  return {net::Guarded{server, peers}, net::Proved{reader, server->public_key}};
}

/// Whole segments over a socket of this host, through server and fetcher into a file.
void fetch(benchmark::State& state, const Ends& ends) {
  constexpr std::size_t kOutputs = 16;
  constexpr std::size_t kRecords = 1u << 18;
  const Directory directory;
  worker::FetchRequest request;
  request.job = JobId{1};
  for (std::uint32_t i = 0; i < kOutputs; ++i) {
    const std::string attempt = directory.path() + "/scratch/1/" + std::to_string(i + 1);
    std::filesystem::create_directories(attempt);
    write_run(attempt + "/output.run", 1, kRecords);
    request.outputs.push_back({i, AttemptId{i + 1}, 0});
  }
  worker::DataServerOptions serving;
  serving.scratch = directory.path() + "/scratch";
  serving.address = "tcp://127.0.0.1:0";
  serving.protection = ends.serving;
  const auto server = worker::start_data_server(io::posix_file_system(), serving);
  FANFOLD_CHECK(server.ok());
  request.holders = std::make_shared<const std::vector<proto::Holder>>(
      1, proto::Holder{WorkerId{1}, "", "", (*server)->endpoint()});
  std::counting_semaphore<> woken(0);
  const auto fetcher =
      worker::start_fetcher(io::posix_file_system(), steady_clock(), {.protection = ends.fetching},
                            [&woken] { woken.release(); });
  FANFOLD_CHECK(fetcher.ok());
  std::uint64_t bytes = 0;
  for ([[maybe_unused]] auto round : state) {
    request.attempt.value += 1;
    request.directory = directory.path() + "/fetched-" + std::to_string(request.attempt.value);
    FANFOLD_CHECK((*fetcher)->fetch(request).ok());
    std::vector<worker::FetchOutcome> outcomes;
    while (outcomes.empty()) {
      woken.acquire();
      outcomes = (*fetcher)->take();
    }
    if (!outcomes[0].succeeded || outcomes[0].segments.size() != kOutputs) {
      state.SkipWithError("a segment was not fetched");
      break;
    }
    for (const worker::LocalSegment& one : outcomes[0].segments) bytes += one.segment.stored_bytes;
    state.PauseTiming();
    std::filesystem::remove_all(request.directory);
    state.ResumeTiming();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

BENCHMARK(codec);
BENCHMARK(encode);
BENCHMARK(dispatch)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(gather)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(fetch, plain, plain_ends())
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();
BENCHMARK_CAPTURE(fetch, keys, keyed_ends())
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
}  // namespace fanfold::bench

BENCHMARK_MAIN();
