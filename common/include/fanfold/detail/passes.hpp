// Merges runs into runs, folding on the way: the spills of a map task into its output, and what a
// reduce task reads into as much as can be open at once.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/bytes.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/narrow.hpp"
#include "fanfold/detail/run_writer.hpp"

namespace fanfold::detail {

/// Copies a merged stream to a run.  With a combiner, records of one key become one on the way.
template <class Job>
class RecordFold {
 public:
  using Traits = JobTraits<Job>;
  using Value = typename Traits::Value;

  /// Of more than `bytes_max` in values of a key several records are made.
  RecordFold(Job& job, bool combine, std::uint64_t bytes_max = ~std::uint64_t{0})
      : job_(job), combine_(combine), bytes_max_(bytes_max) {}

  void copy(Merger& merger, std::uint32_t partition, RunWriter& out, abi::ProgressSlot& progress) {
    for (; !merger.at_end(); merger.advance()) {
      if constexpr (Traits::kHasCombine) {
        if (combine_) {
          // Each is a sign of life: values may be dear to fold.
          progress.ticks.store(progress.ticks.load(std::memory_order_relaxed) + 1,
                               std::memory_order_relaxed);
          add(merger.record(), partition, out);
          continue;
        }
      }
      out.write(partition, merger.record().bytes);
    }
    if constexpr (Traits::kHasCombine) write_held(partition, out);
  }

  /// Holds each record back until one with another key comes.
  void add(const Record& record, std::uint32_t partition, RunWriter& out) {
    if (holding_ && key_.view() == record.key && record.value.size() <= bytes_max_ - bytes_) {
      bytes_ += record.value.size();
      fold(record.value);
      return;
    }
    write_held(partition, out);
    holding_ = true;
    folded_ = false;
    bytes_ = std::min<std::uint64_t>(record.value.size(), bytes_max_);
    key_.clear();
    key_.append(record.key);
    value_bytes_.clear();
    value_bytes_.append(record.value);
  }

  bool holding() const { return holding_; }
  void write_held(std::uint32_t partition, RunWriter& out) {
    if (!holding_) return;
    if (folded_ && !kHasView<Value>) {
      value_bytes_.clear();
      encode_value<kOrdered>(value_, value_bytes_);
    }
    out.write(partition, key_.view(), value_bytes_.view());
    holding_ = false;
  }

 private:
  static constexpr bool kOrdered = Traits::kOrderValues;

  void fold(std::string_view next_bytes) {
    if (!folded_ || kHasView<Value>) value_ = decoded(value_bytes_.view());
    Value next = decoded(next_bytes);
    value_ = job_.combine(std::move(value_), std::move(next));
    folded_ = true;
    if constexpr (kHasView<Value>) {
      // The result may view either operand; both are about to go.
      next_bytes_.clear();
      encode_value<kOrdered>(value_, next_bytes_);
      std::swap(value_bytes_, next_bytes_);
    }
    scratch_.reset();
  }

  Value decoded(std::string_view bytes) {
    Value value{};
    if (!decode_value<kOrdered>(bytes, value, scratch_)) {
      throw std::runtime_error("a value of a sorted run does not decode");
    }
    return value;
  }

  Job& job_;
  const bool combine_;
  const std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;  // Of values that are in what is held.
  bool holding_ = false;
  bool folded_ = false;  // value_ is newer than value_bytes_.
  Bytes key_;
  Bytes value_bytes_;
  Bytes next_bytes_;
  Value value_{};
  Scratch scratch_;
};

/// The runs of one task, and the way from them to few enough to merge at once.
template <class Job>
class Passes {
 public:
  using Traits = JobTraits<Job>;

  Passes(Job& job, abi::TaskHost& host, const abi::TaskSettings& settings,
         abi::ProgressSlot& progress)
      : job_(job), host_(host), settings_(settings), progress_(progress) {}

  /// Counts a run that the caller has spilled.
  void add_spill() { spills_.push_back(next_spill_++); }
  bool empty() const { return spills_.empty(); }

  /// Map: merges all spills into the final run.
  void write_final() {
    const std::size_t fan_in = fan_in_of(settings_.memory_bytes);
    for (MergePlan plan; spills_.size() > fan_in; ++plan.at) {
      const std::size_t size = plan.size(spills_.size(), fan_in);
      merge_spills(abi::RunKind::kSpill, plan.at, size);
      spills_.insert(spills_.begin() + static_cast<std::ptrdiff_t>(plan.at), next_spill_++);
    }
    merge_spills(abi::RunKind::kFinal, 0, spills_.size());
  }

  /// Reduce: merges neighbours until all that is left can be open together.
  void narrow(std::vector<std::unique_ptr<abi::RunSource>>& segments) {
    narrow_runs({host_, progress_, settings_.memory_bytes, settings_.index}, segments,
                [this](std::vector<std::unique_ptr<abi::RunSource>> some, RunWriter& out) {
                  merge(std::move(some), settings_.index, out);
                });
  }

 private:
  /// Merges spills [first, first + size) of every partition into one run and drops them.
  void merge_spills(abi::RunKind kind, std::size_t first, std::size_t size) {
    const auto begin = spills_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = begin + static_cast<std::ptrdiff_t>(size);
    RunWriter out(host_, kind, progress_);
    for (std::uint32_t partition = 0; partition < settings_.partitions; ++partition) {
      std::vector<std::unique_ptr<abi::RunSource>> sources;
      for (auto spill = begin; spill != end; ++spill) {
        sources.push_back(host_.open_spill(*spill, partition));
      }
      merge(std::move(sources), partition, out);
    }
    out.finish();
    for (auto spill = begin; spill != end; ++spill) host_.drop_spill(*spill);
    spills_.erase(begin, end);
  }

  void merge(std::vector<std::unique_ptr<abi::RunSource>> sources, std::uint32_t partition,
             RunWriter& out) {
    Merger merger(std::move(sources), Traits::kOrderValues, progress_);
    RecordFold<Job>(job_, settings_.combine).copy(merger, partition, out, progress_);
  }

  Job& job_;
  abi::TaskHost& host_;
  const abi::TaskSettings& settings_;
  abi::ProgressSlot& progress_;
  std::vector<std::size_t> spills_;  // By age of their records.
  std::size_t next_spill_ = 0;
};

}  // namespace fanfold::detail
