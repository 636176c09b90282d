// Merges runs into runs: the spills of a map task into its output, and, when there are more runs
// than can be open within the memory budget, several into one before that.  Only neighbours are
// merged, so equal keys keep their order.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/bytes.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/run_writer.hpp"

namespace fanfold::detail {

/// Bytes that one open run may take: a block, the same block as it is stored, and change.
inline constexpr std::uint64_t kSourceBytes = 768u << 10;

inline std::size_t fan_in_of(std::uint64_t memory_bytes) {
  // Each open run is an open file, too.
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(memory_bytes / kSourceBytes, 2, 256));
}

/// Of `count` neighbours, which to merge next so that few bytes are merged twice.
struct MergePlan {
  std::size_t at = 0;

  std::size_t size(std::size_t count, std::size_t fan_in) {
    const std::size_t size = std::min(fan_in, count - fan_in + 1);
    if (at + size > count) at = 0;
    return size;
  }
};

/// Copies a merged stream to a run.  With a combiner, records of one key become one on the way.
template <class Job>
class RecordFold {
 public:
  using Traits = JobTraits<Job>;
  using Value = typename Traits::Value;

  RecordFold(Job& job, bool combine) : job_(job), combine_(combine) {}

  void copy(Merger& merger, std::uint32_t partition, RunWriter& out) {
    for (; !merger.at_end(); merger.advance()) {
      if constexpr (Traits::kHasCombine) {
        if (combine_) {
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
    if (holding_ && key_.view() == record.key) {
      fold(record.value);
      return;
    }
    write_held(partition, out);
    holding_ = true;
    folded_ = false;
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
    const std::size_t fan_in = fan_in_of(settings_.memory_bytes);
    std::vector<std::optional<std::size_t>> spilled(segments.size());
    for (MergePlan plan; segments.size() > fan_in; ++plan.at) {
      const std::size_t size = plan.size(segments.size(), fan_in);
      const auto first = static_cast<std::ptrdiff_t>(plan.at);
      const auto last = static_cast<std::ptrdiff_t>(plan.at + size);
      std::vector<std::unique_ptr<abi::RunSource>> group(
          std::make_move_iterator(segments.begin() + first),
          std::make_move_iterator(segments.begin() + last));
      RunWriter out(host_, abi::RunKind::kSpill, progress_);
      merge(std::move(group), settings_.index, out);
      out.finish();
      for (auto spill = spilled.begin() + first; spill != spilled.begin() + last; ++spill) {
        if (spill->has_value()) host_.drop_spill(**spill);
      }
      const std::size_t index = next_spill_++;
      segments.erase(segments.begin() + first + 1, segments.begin() + last);
      segments[plan.at] = host_.open_spill(index, settings_.index);
      spilled.erase(spilled.begin() + first + 1, spilled.begin() + last);
      spilled[plan.at] = index;
    }
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
    RecordFold<Job>(job_, settings_.combine).copy(merger, partition, out);
  }

  Job& job_;
  abi::TaskHost& host_;
  const abi::TaskSettings& settings_;
  abi::ProgressSlot& progress_;
  std::vector<std::size_t> spills_;  // By age of their records.
  std::size_t next_spill_ = 0;
};

}  // namespace fanfold::detail
