// Runs a job in a unit test: on strings, in memory, one task after the other, through the same code
// as in a cluster.
//
//   const auto result = fanfold::testing::run<WordCount>({.input = "to be or not to be\n"});
//   EXPECT_EQ(result.output(), "be\t2\nnot\t1\nor\t1\nto\t2\n");
//
// And checks the laws that a cluster relies on; a law that holds gives an empty string:
//
//   EXPECT_EQ(fanfold::testing::check_combiner<WordCount>({0, 1, 7}), "");
//   EXPECT_EQ(fanfold::testing::check_partitioner<ByCountry>({"de", "fr"}), "");
//
// What the job throws comes out of run().

#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/detail/memory_host.hpp"
#include "fanfold/detail/registration.hpp"
#include "fanfold/detail/test_input.hpp"
#include "fanfold/job.hpp"

namespace fanfold::testing {

using StringMap = std::map<std::string, std::string, std::less<>>;

struct Options {
  std::string input = {};          // One input...
  std::vector<Input> inputs = {};  // ...or several, with names and tags.
  StringMap parameters = {};       // As on the command line: checked, defaults filled in.
  StringMap side_files = {};       // Contents by name.
  std::uint32_t partitions = 1;    // Reduce tasks.
  std::uint64_t split_bytes = 0;   // At least this many bytes for a map task; 0: one an input.
  std::uint64_t memory_bytes = 64u << 20;
  std::uint32_t threads = 1;  // Of each task.
  abi::OutputFormat format = abi::OutputFormat::kText;
  bool combine = true;  // False: as if the job had no combine().
};

struct Result {
  std::vector<std::string> parts;              // By partition.
  std::map<std::string, std::string> outputs;  // Named ones.
  std::map<std::string, std::int64_t> counters;
  std::vector<std::string> log;
  std::uint64_t records = 0;  // In the parts.
  std::size_t map_tasks = 0;
  std::size_t spills = 0;  // Of all tasks.

  /// All parts, one after the other.
  std::string output() const {
    std::string all;
    for (const std::string& part : parts) all += part;
    return all;
  }
  /// The lines of all parts, without their ends.
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const std::string& part : parts) {
      for (std::size_t at = 0; at < part.size();) {
        const std::size_t end = std::min(part.find('\n', at), part.size());
        all.push_back(part.substr(at, end - at));
        at = end + 1;
      }
    }
    return all;
  }
};

/// Checks parameters as the command line does and fills in the defaults.  Throws
/// std::invalid_argument with a text for the user.
inline StringMap complete_parameters(const abi::JobInfo& job, const StringMap& given) {
  StringMap complete;
  for (const abi::Parameter& parameter : job.parameters) {
    const auto found = given.find(parameter.name);
    if (found == given.end() && parameter.required) {
      throw std::invalid_argument("parameter '" + parameter.name + "' is missing");
    }
    const std::string& text = found == given.end() ? parameter.default_value : found->second;
    bool boolean = false;
    std::int64_t integer = 0;
    double number = 0;
    bool fits = true;
    switch (parameter.type) {
      case abi::ParameterType::kString:
        break;
      case abi::ParameterType::kInteger:
        fits = detail::parse_parameter<std::int64_t>(text, integer);
        break;
      case abi::ParameterType::kNumber:
        fits = detail::parse_parameter<double>(text, number);
        break;
      case abi::ParameterType::kBoolean:
        fits = detail::parse_parameter<bool>(text, boolean);
        break;
    }
    if (!parameter.choices.empty()) {
      bool known = false;
      for (const std::string& choice : parameter.choices) known = known || choice == text;
      fits = fits && known;
    }
    if (!fits) {
      throw std::invalid_argument("parameter '" + parameter.name + "' cannot be '" + text + "'");
    }
    complete[parameter.name] = text;
  }
  for (const auto& [name, value] : given) {
    if (complete.find(name) == complete.end()) {
      throw std::invalid_argument("the job has no parameter '" + name + "'");
    }
  }
  return complete;
}

namespace detail_run {

/// One job on its way from inputs to parts.
class Run {
 public:
  Run(abi::JobInfo job, const Options& options) : job_(std::move(job)), options_(options) {
    settings_.parameters = complete_parameters(job_, options.parameters);
    settings_.partitions = options.partitions;
    settings_.memory_bytes = options.memory_bytes;
    settings_.threads = options.threads;
    settings_.output_format = options.format;
    settings_.combine = options.combine;
    settings_.job_id = "test";
    settings_.progress = &progress_;
    fixed_length_ = job_.fixed_length;
    if (job_.format == abi::RecordFormat::kFixed && fixed_length_ == 0) {
      fixed_length_ = std::stoull(settings_.parameters.at("record_length"));
    }
    inputs_ = options.inputs;
    if (inputs_.empty()) inputs_.push_back({options.input});
  }

  Result run() {
    if (job_.partitioning == abi::Partitioning::kRange && options_.partitions > 1) sample();
    for (const Input& input : inputs_) map(input);
    for (std::uint32_t i = 0; i < options_.partitions; ++i) reduce(i);
    return std::move(result_);
  }

 private:
  static constexpr std::size_t kBlockBytes = 4096;

  Range body(const Input& input) const {
    return {size_of_header(job_, input.text), input.text.size()};
  }

  void sample() {
    settings_.mode = abi::TaskMode::kSample;
    MemoryHost host = make_host();
    const auto task = job_.make_task(host, settings_);
    task->start();
    for (const Input& input : inputs_) map_range(*task, input, body(input));
    settings_.splitters = task->finish_sample();
  }

  void map(const Input& input) {
    const std::size_t bytes =
        options_.split_bytes == 0 ? input.text.size() + 1 : options_.split_bytes;
    for (const Range split : cut(job_, fixed_length_, input.text, body(input), bytes)) {
      settings_.mode = abi::TaskMode::kMap;
      settings_.index = static_cast<std::uint32_t>(maps_.size());
      MemoryHost& host = *maps_.emplace_back(std::make_unique<MemoryHost>(make_host()));
      const auto task = job_.make_task(host, settings_);
      task->start();
      map_range(*task, input, split);
      task->finish_map();
      if (!host.finished()) throw std::logic_error("the map task wrote no final run");
      collect(host);
      ++result_.map_tasks;
    }
  }

  /// Each block is a copy that is gone when the next one comes.
  void map_range(abi::Task& task, const Input& input, Range range) {
    const std::string header(
        trim_line_end(std::string_view(input.text).substr(0, size_of_header(job_, input.text))));
    for (const Range block : cut(job_, fixed_length_, input.text, range, kBlockBytes)) {
      const std::size_t size = block.end - block.begin;
      const auto copy = std::make_unique<char[]>(size);
      input.text.copy(copy.get(), size, block.begin);
      task.map_block({{copy.get(), size}, block.begin, input.name, input.tag, header});
    }
  }

  void reduce(std::uint32_t partition) {
    settings_.mode = abi::TaskMode::kReduce;
    settings_.index = partition;
    MemoryHost host = make_host();
    const auto task = job_.make_task(host, settings_);
    task->start();
    std::vector<std::unique_ptr<abi::RunSource>> segments;
    for (const auto& map : maps_) segments.push_back(map->segment(partition));
    task->reduce(std::move(segments));
    result_.parts.push_back(std::move(host.outputs[""]));
    result_.records += host.output_records[""];
    host.outputs.erase("");
    collect(host);
  }

  MemoryHost make_host() const {
    MemoryHost host;
    host.side_files = options_.side_files;
    return host;
  }

  void collect(MemoryHost& host) {
    for (auto& [name, text] : host.outputs) result_.outputs[name] += text;
    for (const auto& [name, delta] : host.counters) result_.counters[name] += delta;
    for (std::string& line : host.lines) result_.log.push_back(std::move(line));
    result_.spills += host.spills();
  }

  const abi::JobInfo job_;
  const Options& options_;
  abi::ProgressSlot progress_;
  abi::TaskSettings settings_;
  std::uint64_t fixed_length_ = 0;
  std::vector<Input> inputs_;
  std::vector<std::unique_ptr<MemoryHost>> maps_;
  Result result_;
};

template <class T>
bool same(const T& a, const T& b) {
  if constexpr (std::is_floating_point_v<T>) {
    // Adding in another order may round differently.
    return a == b || std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
  } else {
    Bytes a_bytes;
    Bytes b_bytes;
    encode_value(a, a_bytes);
    encode_value(b, b_bytes);
    return a_bytes.view() == b_bytes.view();
  }
}

template <class T>
std::string shown(const T& value) {
  Bytes text;
  if constexpr (detail::printable<T>()) {
    detail::append_text(text, value);
  } else {
    text.append("(a value that cannot be printed)");
  }
  return std::string(text.view());
}

}  // namespace detail_run

/// Runs the whole job.
template <class Job>
Result run(const Options& options) {
  return detail_run::Run(detail::describe_job<Job>("test", ""), options).run();
}

/// Whether combine() gives the same whatever the order and grouping of the samples.  Samples
/// must own their bytes if combine() returns views.
template <class Job>
std::string check_combiner(const std::vector<typename detail::JobTraits<Job>::Value>& samples) {
  static_assert(detail::JobTraits<Job>::kHasCombine, "fanfold: the job has no combine()");
  using detail_run::same;
  using detail_run::shown;
  Job job{};
  for (const auto& a : samples) {
    for (const auto& b : samples) {
      const auto ab = job.combine(a, b);
      if (!same(ab, job.combine(b, a))) {
        return "combine is not commutative: combine(a, b) differs from combine(b, a) for a = " +
               shown(a) + ", b = " + shown(b);
      }
      for (const auto& c : samples) {
        if (!same(job.combine(ab, c), job.combine(a, job.combine(b, c)))) {
          return "combine is not associative: combine(combine(a, b), c) differs from "
                 "combine(a, combine(b, c)) for a = " +
                 shown(a) + ", b = " + shown(b) + ", c = " + shown(c);
        }
      }
    }
  }
  return "";
}

/// Whether partition() depends on nothing but the key and stays in range.
template <class Job>
std::string check_partitioner(const std::vector<typename detail::JobTraits<Job>::Key>& keys,
                              std::uint32_t partitions = 7) {
  static_assert(detail::JobTraits<Job>::kHasPartition, "fanfold: the job has no partition()");
  Job first{};
  std::vector<std::uint32_t> chosen;
  for (const auto& key : keys) {
    chosen.push_back(first.partition(key, partitions));
    if (chosen.back() >= partitions) {
      return "partition() returned " + std::to_string(chosen.back()) + " of " +
             std::to_string(partitions) + " partitions for the key " + detail_run::shown(key);
    }
  }
  // Another object, another order.
  Job second{};
  for (std::size_t i = keys.size(); i-- > 0;) {
    if (second.partition(keys[i], partitions) != chosen[i]) {
      return "partition() is not pure: asked again, it chose another partition for the key " +
             detail_run::shown(keys[i]);
    }
  }
  return "";
}

}  // namespace fanfold::testing
