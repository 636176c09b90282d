// Maps blocks of records: reads records, calls the job, and sends what it emits to the combine
// table, the sort buffer or the sampler.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/context.hpp"
#include "fanfold/detail/combine_cache.hpp"
#include "fanfold/detail/combine_table.hpp"
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
        progress_(progress),
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
      map_records(block);
      emitter_.end_block();
    }
    context_.leave();
    context_.flush_counters();
  }

  void finish() {
    {
      const InUserCode in_user_code(progress_);
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
  }

  std::vector<std::string> splitters(std::uint32_t partitions) {
    return sampler_->splitters(partitions);
  }

 private:
  void map_records(const abi::InputBlock& block) {
    std::uint64_t records = progress_.records.load(std::memory_order_relaxed);
    const auto map = [&](auto&& record, std::uint64_t offset) {
      progress_.records.store(++records, std::memory_order_relaxed);
      progress_.offset.store(block.offset + offset, std::memory_order_relaxed);
      job_.map(record, emitter_);
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
    static_cast<MapSide*>(self)->emitted_ += count;
    if constexpr (Traits::kHasCombine) static_cast<MapSide*>(self)->table_->take(pairs, count);
  }
  static void take_sorted(void* self, const JobPair* pairs, std::size_t count) {
    static_cast<MapSide*>(self)->emitted_ += count;
    static_cast<MapSide*>(self)->buffer_->take(pairs, count);
  }

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
  Context& context_;
  abi::ProgressSlot& progress_;
  Input input_;
  typename Traits::JobEmitter emitter_;
  std::unique_ptr<Table> table_;
  std::unique_ptr<SortBuffer<Job>> buffer_;
  std::optional<Sampler> sampler_;
};

}  // namespace fanfold::detail
