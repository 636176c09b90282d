// Emit, combine, sort, merge and format: whole map and reduce tasks of one thread, over memory.
// The counters are nanoseconds per record: words that are emitted, lines that are sorted.

#include <benchmark/benchmark.h>

#include "bench/micro/tasks.hpp"
#include "fanfold/detail/job_task.hpp"

namespace fanfold::bench {
namespace {

struct CountWords {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    for (const std::string_view word : words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
};

struct SortLines {
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) { out.emit(line); }
  void reduce(std::string_view line, Values<Nothing>& lines, Writer& out) {
    while (lines.next()) out.write_line(line);
  }
};

/// Words are seen and dropped: what splitting a text costs.
struct LookAtWords {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>&) {
    for (const std::string_view word : words(line)) benchmark::DoNotOptimize(word.data());
  }
};

abi::TaskSettings settings_of(abi::TaskMode mode) {
  abi::TaskSettings settings;
  settings.mode = mode;
  settings.partitions = 16;
  settings.memory_bytes = std::uint64_t{1} << 30;
  return settings;
}

template <class Job>
void map_once(QuietHost& host, std::string_view text) {
  const abi::TaskSettings settings = settings_of(abi::TaskMode::kMap);
  detail::JobTask<Job> task(host, settings);
  task.start();
  map_text(task, text);
  task.finish_map();
}

void count_words(std::string_view text, benchmark::State& state) {
  std::size_t count = 0;
  for (const std::string_view word : words(text)) count += word.empty() ? 0 : 1;
  const auto all = static_cast<double>(count) * static_cast<double>(state.iterations());
  state.counters["ns/word"] =
      benchmark::Counter(all * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) *
                          static_cast<std::int64_t>(state.iterations()));
}

template <class Job>
void map_words(benchmark::State& state, Text kind) {
  const std::string text = make_text(kind, bytes_of_pass(64u << 20));
  for ([[maybe_unused]] auto round : state) {
    QuietHost host(false);
    map_once<Job>(host, text);
    benchmark::DoNotOptimize(host.run_bytes);
  }
  count_words(text, state);
}

template <class Job>
void reduce_runs(benchmark::State& state, const std::string& text, std::size_t runs) {
  std::vector<std::unique_ptr<QuietHost>> hosts;
  std::string_view rest = text;
  for (std::size_t i = 0; i < runs; ++i) {
    std::size_t size = i + 1 == runs ? rest.size() : text.size() / runs;
    if (i + 1 != runs) size = rest.rfind('\n', size) + 1;
    hosts.push_back(std::make_unique<QuietHost>(true));
    map_once<Job>(*hosts.back(), rest.substr(0, size));
    rest.remove_prefix(size);
  }
  const abi::TaskSettings settings = settings_of(abi::TaskMode::kReduce);
  std::uint64_t records = 0;
  for ([[maybe_unused]] auto round : state) {
    for (std::uint32_t partition = 0; partition < settings.partitions; ++partition) {
      std::vector<std::unique_ptr<abi::RunSource>> segments;
      for (const auto& host : hosts) segments.push_back(host->segment(partition));
      QuietHost host(false);
      detail::JobTask<Job> task(host, settings);
      task.start();
      task.reduce(std::move(segments));
      records += host.output_records;
    }
  }
  state.counters["ns/record"] =
      benchmark::Counter(static_cast<double>(records) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (records == 0) state.SkipWithError("nothing came out");
}

void split_words(benchmark::State& state) { map_words<LookAtWords>(state, Text::kSource); }
void combine_source(benchmark::State& state) { map_words<CountWords>(state, Text::kSource); }
void combine_zipf(benchmark::State& state) { map_words<CountWords>(state, Text::kZipf); }
void combine_unique(benchmark::State& state) { map_words<CountWords>(state, Text::kUnique); }
void reduce_words(benchmark::State& state) {
  reduce_runs<CountWords>(state, make_text(Text::kUnique, bytes_of_pass(64u << 20)), 16);
}

void sort_lines(benchmark::State& state) {
  const std::size_t records = bytes_of_pass(64u << 20) / 100;
  const std::string text = make_records(records);
  for ([[maybe_unused]] auto round : state) {
    QuietHost host(false);
    map_once<SortLines>(host, text);
    if (host.run_records != records) state.SkipWithError("records are missing");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(records * state.iterations()));
}
void merge_lines(benchmark::State& state) {
  reduce_runs<SortLines>(state, make_records(bytes_of_pass(64u << 20) / 100), 16);
}

BENCHMARK(split_words)->Unit(benchmark::kMillisecond);
BENCHMARK(combine_source)->Unit(benchmark::kMillisecond);
BENCHMARK(combine_zipf)->Unit(benchmark::kMillisecond);
BENCHMARK(combine_unique)->Unit(benchmark::kMillisecond);
BENCHMARK(reduce_words)->Unit(benchmark::kMillisecond);
BENCHMARK(sort_lines)->Unit(benchmark::kMillisecond);
BENCHMARK(merge_lines)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fanfold::bench
