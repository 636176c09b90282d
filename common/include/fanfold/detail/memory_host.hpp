// A host that keeps everything in memory, for unit tests of jobs and of this API.  It checks what a
// real host relies on, and hands out blocks whose memory goes away as early as it may, so that a
// sanitizer finds views that are kept for too long.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::testing {

/// Encoded blocks by partition.
using MemoryRun = std::map<std::uint32_t, std::vector<std::string>>;

class MemorySource final : public abi::RunSource {
 public:
  explicit MemorySource(std::vector<std::string> blocks) : blocks_(std::move(blocks)) {}
  std::string_view next() override {
    if (at_ != 0) std::string().swap(blocks_[at_ - 1]);
    return at_ == blocks_.size() ? std::string_view() : blocks_[at_++];
  }

 private:
  std::vector<std::string> blocks_;
  std::size_t at_ = 0;
};

class MemoryHost final : public abi::TaskHost, private abi::RunSink {
 public:
  abi::RunSink& start_run(abi::RunKind kind) override {
    require(!open_, "start_run() while a run is open");
    open_ = true;
    kind_ = kind;
    run_.clear();
    return *this;
  }

  void finish_run() override {
    require(open_, "finish_run() without start_run()");
    open_ = false;
    if (kind_ == abi::RunKind::kFinal) {
      require(!finished_, "a second final run");
      finished_ = true;
      output_ = std::move(run_);
    } else {
      spills_.push_back(std::move(run_));
    }
    run_ = {};
  }

  std::unique_ptr<abi::RunSource> open_spill(std::size_t index, std::uint32_t partition) override {
    require(index < spills_.size(), "open_spill() of a spill that does not exist");
    return std::make_unique<MemorySource>(spills_[index][partition]);
  }
  void drop_spill(std::size_t index) override {
    require(index < spills_.size(), "drop_spill() of a spill that does not exist");
    spills_[index].clear();
    ++dropped_;
  }

  void write_output(std::string_view name, std::string_view bytes, std::uint64_t records) override {
    outputs[std::string(name)].append(bytes);
    output_records[std::string(name)] += records;
  }
  void add_to_counter(std::string_view name, std::int64_t delta) override {
    if (name != abi::kEmittedCounter) counters[std::string(name)] += delta;
  }
  void log(std::string_view text) override { lines.emplace_back(text); }
  std::string_view side_file(std::string_view name) override {
    const auto found = side_files.find(name);
    if (found == side_files.end()) {
      throw std::invalid_argument("no side file '" + std::string(name) + "'");
    }
    return found->second;
  }

  bool finished() const { return finished_; }
  std::size_t spills() const { return spills_.size(); }
  std::size_t dropped_spills() const { return dropped_; }
  /// One segment of the final run.
  std::unique_ptr<abi::RunSource> segment(std::uint32_t partition) const {
    const auto found = output_.find(partition);
    return std::make_unique<MemorySource>(found == output_.end() ? std::vector<std::string>()
                                                                 : found->second);
  }
  const MemoryRun& output() const { return output_; }

  std::map<std::string, std::string, std::less<>> side_files;
  std::map<std::string, std::string> outputs;
  std::map<std::string, std::uint64_t> output_records;
  std::map<std::string, std::int64_t> counters;
  std::vector<std::string> lines;

 private:
  static void require(bool condition, const char* what) {
    if (!condition) throw std::logic_error(what);
  }

  void write(std::uint32_t partition, std::string_view block,
             const abi::BlockSummary& summary) override {
    require(open_, "write() without start_run()");
    require(run_.empty() || run_.rbegin()->first <= partition, "partitions must not decrease");
    abi::BlockSummary found;
    std::string_view rest = block;
    for (detail::Record record; !rest.empty(); rest.remove_prefix(record.bytes.size())) {
      require(detail::parse_record(rest, record), "a malformed record");
      require(found.records == 0 || previous_ <= record.key, "keys must not decrease");
      previous_ = record.key;
      ++found.records;
      found.sum += hash(record.bytes);
      found.exclusive_or ^= hash(record.bytes);
    }
    require(found.records != 0 && found.records == summary.records && found.sum == summary.sum &&
                found.exclusive_or == summary.exclusive_or,
            "a summary that does not fit its block");
    run_[partition].emplace_back(block);
  }

  bool open_ = false;
  bool finished_ = false;
  abi::RunKind kind_ = abi::RunKind::kSpill;
  MemoryRun run_;
  MemoryRun output_;
  std::vector<MemoryRun> spills_;
  std::size_t dropped_ = 0;
  std::string_view previous_;
};

}  // namespace fanfold::testing
