// Maps blocks of records: reads records, calls the job, and sends what it emits to the combine
// table, the sort buffer or the sampler.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/context.hpp"
#include "fanfold/detail/combine_cache.hpp"
#include "fanfold/detail/combine_table.hpp"
#include "fanfold/detail/hot_keys.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/sampler.hpp"
#include "fanfold/detail/sort_buffer.hpp"
#include "fanfold/detail/user_code.hpp"
#include "fanfold/emitter.hpp"

namespace fanfold::detail {

template <class Job>
class MapSide {
 public:
  using Traits = JobTraits<Job>;
  using JobPair = Pair<typename Traits::Value>;
  using Input = typename Traits::Input;

  MapSide(Job& job, abi::TaskHost& host, const abi::TaskSettings& settings, Context& context,
          Outputs& outputs, abi::ProgressSlot& progress)
      : job_(job),
        host_(host),
        context_(context),
        outputs_(outputs),
        progress_(progress),
        tolerant_(settings.tolerant),
        hot_keys_(kPlain ? HotKeys::Unit::kPairs : HotKeys::Unit::kBytes, settings),
        emitter_(outputs, this, choose(settings), Traits::kOrderValues) {
    if (settings.mode == abi::TaskMode::kSample) {
      sampler_.emplace();
    } else if (combines(settings)) {
      if constexpr (Traits::kHasCombine) {
        table_ = std::make_unique<Table>(job, host, settings, progress);
      }
    } else {
      buffer_ =
          std::make_unique<SortBuffer<Job>>(job, host, settings, progress, settings.memory_bytes);
    }
    if constexpr (requires { input_.use_length(std::uint64_t{}); }) {
      if (Input::kFixedLength == 0) {
        input_.use_length(context.parameter<std::uint64_t>("record_length"));
      }
    }
  }
  MapSide(const MapSide&) = delete;
  MapSide& operator=(const MapSide&) = delete;

  void map_block(const abi::InputBlock& block) {
    context_.enter(block);
    {
      const InUserCode in_user_code(progress_);
      emitter_.begin_block(block.bytes);
      if (tolerant_) {
        map_tolerantly(block);
      } else {
        for_each_record(block,
                        [this](auto&& record, std::uint64_t) { job_.map(record, emitter_); });
      }
      emitter_.end_block();
    }
    context_.leave();
    context_.flush_counters();
  }

  void finish() {
    {
      const InUserCode in_user_code(progress_, abi::ProgressSlot::kAtNone);
      if constexpr (Traits::kFinishesMap) {
        job_.finish(emitter_);
      } else if constexpr (Traits::kFinishes) {
        job_.finish();
      }
      emitter_.end_block();
    }
    if (buffer_ != nullptr) buffer_->finish();
    if constexpr (Traits::kHasCombine) {
      if (table_ != nullptr) table_->finish();
    }
    host_.add_to_counter(abi::kEmittedCounter, static_cast<std::int64_t>(emitted_));
    hot_keys_.tell(host_);
    if (tolerant_) {
      host_.add_to_counter(abi::kUnmappedCounter, static_cast<std::int64_t>(unmapped_));
    }
  }

  std::vector<std::string> splitters(std::uint32_t partitions) {
    return sampler_->splitters(partitions);
  }

 private:
  /// Calls map(record, its offset in the file), after the progress slot says so.
  template <class Map>
  void for_each_record(const abi::InputBlock& block, const Map& map_record) {
    std::uint64_t records = progress_.records.load(std::memory_order_relaxed);
    const auto map = [&](auto&& record, std::uint64_t offset) {
      progress_.records.store(++records, std::memory_order_relaxed);
      progress_.offset.store(block.offset + offset, std::memory_order_relaxed);
      map_record(record, block.offset + offset);
    };
    if constexpr (Traits::kSkipsLines) {
      const std::string_view literal = job_.only_lines_with();
      if (!literal.empty() && literal.find_first_of("\r\n") == std::string_view::npos) {
        records += input_.for_each_with(
            block, literal, [&](std::string_view line, std::uint64_t offset, std::uint64_t passed) {
              records += passed;
              map(line, offset);
            });
        progress_.records.store(records, std::memory_order_relaxed);
        return;
      }
    }
    input_.for_each(block, map);
  }

  void map_tolerantly(const abi::InputBlock& block) {
    auto passed = block.passed_over.begin();
    for_each_record(block, [&](auto&& record, std::uint64_t offset) {
      while (passed != block.passed_over.end() && *passed < offset) ++passed;
      if (passed != block.passed_over.end() && *passed == offset) {
        ++unmapped_;
        return;
      }
      map_or_undo(record, offset);
    });
  }

  template <class Record>
  void map_or_undo(Record&& record, std::uint64_t offset) {
    emitter_.begin_record();
    context_.mark_counters();
    const std::uint64_t written = outputs_.records();
    try {
      job_.map(record, emitter_);
    } catch (const abi::HostFailure&) {
      throw;
    } catch (const abi::GivenBack&) {
      throw;  // The task is to be tried later, and so is this record.
    } catch (...) {
      // What combine() or partition() throws is not of this record.
      if (taking_) throw;
      // A job that finishes keeps things from record to record, and may have half kept this one.
      constexpr bool kKeepsThings = Traits::kFinishes || Traits::kFinishesMap;
      const bool undone = !kKeepsThings && outputs_.records() == written && emitter_.undo_record();
      if (undone) context_.undo_counters();
      host_.note_bad_record(offset, undone);
      ++unmapped_;
    }
  }

  static bool combines(const abi::TaskSettings& settings) {
    return Traits::kHasCombine && settings.combine;
  }

  static typename Traits::JobEmitter::Take choose(const abi::TaskSettings& settings) {
    if (settings.mode == abi::TaskMode::kSample) return &take_sample;
    if (combines(settings)) return &take_combined;
    return &take_sorted;
  }

  static void take_sample(void* self, const JobPair* pairs, std::size_t count) {
    Sampler& sampler = *static_cast<MapSide*>(self)->sampler_;
    for (std::size_t i = 0; i < count; ++i) sampler.add({pairs[i].key, pairs[i].key_size});
  }
  static void take_combined(void* self, const JobPair* pairs, std::size_t count) {
    MapSide& side = *static_cast<MapSide*>(self);
    side.begin_taking(pairs, count);
    const BetweenRecords between(side.progress_);
    if constexpr (Traits::kHasCombine) side.table_->take(pairs, count);
    side.taking_ = false;
  }
  static void take_sorted(void* self, const JobPair* pairs, std::size_t count) {
    MapSide& side = *static_cast<MapSide*>(self);
    side.begin_taking(pairs, count);
    const BetweenRecords between(side.progress_);
    side.buffer_->take(pairs, count);
    side.taking_ = false;
  }
  void begin_taking(const JobPair* pairs, std::size_t count) {
    emitted_ += count;
    taking_ = true;
    const std::uint64_t before = position_;
    if constexpr (kPlain) {
      position_ += count;
    } else {
      for (std::size_t i = 0; i < count; ++i) position_ += pairs[i].key_size + pairs[i].value_size;
    }
    if (hot_keys_.wants(position_)) look_at(pairs, count, before);
  }

  /// Of a batch that has samples.  `position`: where it begins.
  [[gnu::noinline]] void look_at(const JobPair* pairs, std::size_t count, std::uint64_t position) {
    const BetweenRecords between(progress_);
    for (std::size_t i = 0; i < count; ++i) {
      const JobPair& pair = pairs[i];
      std::uint64_t units = 1;
      if constexpr (!kPlain) units = pair.key_size + pair.value_size;
      std::uint64_t bytes = hot_keys_.weigh(position, units);
      position += units;
      if (bytes == 0) continue;
      if constexpr (kPlain) bytes *= pair.key_size + kValueBytes;
      hot_keys_.add({pair.key, pair.key_size}, std::max<std::uint64_t>(1, bytes),
                    [this](std::string_view key) { return partition_of(key); });
    }
  }

  std::uint32_t partition_of(std::string_view key) {
    if constexpr (Traits::kHasCombine) {
      if (table_ != nullptr) return table_->partition_of(key);
    }
    return buffer_->partition_of(key);
  }

  /// Values of one size: what differs is how many pairs a key has.
  static constexpr bool kPlain = kPlainValue<typename Traits::Value>;
  static constexpr std::size_t kValueBytes =
      std::is_empty_v<typename Traits::Value> ? 0 : sizeof(typename Traits::Value);

  struct NoTable {};
  static auto choose_table() {
    if constexpr (!Traits::kHasCombine) {
      return std::type_identity<NoTable>();
    } else if constexpr (kLivesInSlot<typename Traits::Value>) {
      return std::type_identity<CombineCache<Job>>();
    } else {
      return std::type_identity<CombineTable<Job>>();
    }
  }
  using Table = typename decltype(choose_table())::type;

  Job& job_;
  abi::TaskHost& host_;
  std::uint64_t emitted_ = 0;
  std::uint64_t unmapped_ = 0;  // Records.
  bool taking_ = false;         // Pairs of a batch; stays so when that throws.
  Context& context_;
  Outputs& outputs_;
  abi::ProgressSlot& progress_;
  const bool tolerant_;
  HotKeys hot_keys_;
  std::uint64_t position_ = 0;  // Of what was emitted, as hot_keys_ counts it.
  Input input_;
  typename Traits::JobEmitter emitter_;
  std::unique_ptr<Table> table_;
  std::unique_ptr<SortBuffer<Job>> buffer_;
  std::optional<Sampler> sampler_;
};

}  // namespace fanfold::detail
