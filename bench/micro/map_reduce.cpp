// Emit, combine, sort, merge and format: whole map and reduce tasks of one thread, over memory.
// The counters are the time per record: words that are emitted, lines that are sorted.
//
//   bench_data_path [--bytes=N] [--text=FILE] [--benchmark_filter=REGEX ...]
//
// A pass takes 64 MiB, or N bytes; FILE stands in for made-up program text.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

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
  state.counters["time/word"] =
      benchmark::Counter(all, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) *
                          static_cast<std::int64_t>(state.iterations()));
}

template <class Job>
void map_words(benchmark::State& state, const std::string& text) {
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
  state.counters["time/record"] = benchmark::Counter(
      static_cast<double>(records), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (records == 0) state.SkipWithError("nothing came out");
}

void sort_lines(benchmark::State& state, const std::string& text) {
  const auto records = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  for ([[maybe_unused]] auto round : state) {
    QuietHost host(false);
    map_once<SortLines>(host, text);
    if (host.run_records != records) state.SkipWithError("records are missing");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(records * state.iterations()));
}

struct Options {
  std::size_t bytes = 64u << 20;
  std::string text;
};

/// Takes its own options out of the argument vector.
bool take_options(int& count, char** arguments, Options& options) {
  int kept = 1;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument.starts_with("--bytes=")) {
      const std::string_view number = argument.substr(8);
      const char* const end = number.data() + number.size();
      const auto parsed = std::from_chars(number.data(), end, options.bytes);
      if (parsed.ec != std::errc() || parsed.ptr != end || options.bytes == 0) return false;
    } else if (argument.starts_with("--text=")) {
      options.text = argument.substr(7);
    } else {
      arguments[kept++] = arguments[i];
    }
  }
  count = kept;
  return true;
}

template <class Run>
void add(const char* name, Run run) {
  benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond);
}

bool register_all(const Options& options) {
  const std::size_t bytes = options.bytes;
  const auto source = [options] {
    return options.text.empty() ? make_text(Text::kSource, options.bytes)
                                : read_text(options.text, options.bytes);
  };
  if (source().empty()) return false;
  add("split_words", [=](auto& state) { map_words<LookAtWords>(state, source()); });
  add("combine_source", [=](auto& state) { map_words<CountWords>(state, source()); });
  add("combine_zipf",
      [=](auto& state) { map_words<CountWords>(state, make_text(Text::kZipf, bytes)); });
  add("combine_unique",
      [=](auto& state) { map_words<CountWords>(state, make_text(Text::kUnique, bytes)); });
  add("reduce_words",
      [=](auto& state) { reduce_runs<CountWords>(state, make_text(Text::kUnique, bytes), 16); });
  add("sort_lines", [=](auto& state) { sort_lines(state, make_records(bytes / 100)); });
  add("merge_lines",
      [=](auto& state) { reduce_runs<SortLines>(state, make_records(bytes / 100), 16); });
  return true;
}

}  // namespace
}  // namespace fanfold::bench

int main(int count, char** arguments) {
  fanfold::bench::Options options;
  if (!fanfold::bench::take_options(count, arguments, options)) {
    std::fputs("bench_data_path: --bytes takes a number of at least 1\n", stderr);
    return 2;
  }
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  if (!fanfold::bench::register_all(options)) {
    std::fprintf(stderr, "bench_data_path: cannot read a line of %s\n", options.text.c_str());
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
}
