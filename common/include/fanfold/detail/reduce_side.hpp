// Reduces the merged segments of one partition, key by key.

#pragma once

#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/context.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/passes.hpp"
#include "fanfold/detail/run_writer.hpp"
#include "fanfold/detail/user_code.hpp"
#include "fanfold/values.hpp"
#include "fanfold/writer.hpp"

namespace fanfold::detail {

template <class Job>
class ReduceSide {
 public:
  using Traits = JobTraits<Job>;
  using Value = typename Traits::Value;

  ReduceSide(Job& job, abi::TaskHost& host, const abi::TaskSettings& settings, Context& context,
             Outputs& outputs, abi::ProgressSlot& progress)
      : job_(job),
        host_(host),
        settings_(settings),
        context_(context),
        outputs_(outputs),
        progress_(progress) {}

  void reduce(std::vector<std::unique_ptr<abi::RunSource>> segments) {
    Passes<Job>(job_, host_, settings_, progress_).narrow(segments);
    Merger merger(std::move(segments), Traits::kOrderValues, progress_);
    switch (settings_.reduction) {
      case abi::Reduction::kWrite:
        return write(merger);
      case abi::Reduction::kFold:
        return fold(merger);
      case abi::Reduction::kKeep:
        return keep(merger);
    }
  }

 private:
  static constexpr std::uint64_t kKeysPerFlush = 4096;
  /// A record of a run is bounded.  What reads it folds on.
  static constexpr std::uint64_t kFoldedBytes = 16u << 20;

  /// Puts each record under the key of its group.
  class Keeper final : public RecordSink {
   public:
    Keeper(RunWriter& run, const Bytes& key) : run_(run), key_(key) {}
    void take(std::string_view record) override { run_.write(0, key_.view(), record); }

   private:
    RunWriter& run_;
    const Bytes& key_;
  };

  void keep(Merger& merger) {
    if constexpr (Traits::kFinishesReduce) {
      throw std::logic_error("the job writes behind its last key, so what it writes has no order");
    } else {
      RunWriter run(host_, abi::RunKind::kFinal, progress_);
      Keeper keeper(run, group_key_);
      outputs_.keep_in(keeper);
      write(merger);
      run.finish();
    }
  }

  void write(Merger& merger) {
    Groups groups(merger, group_key_, progress_);
    Writer& out = outputs_.to("");
    const InUserCode in_user_code(progress_);
    typename Traits::ReduceKey key{};
    Scratch scratch;
    Values<Value> values(groups, Traits::kOrderValues);
    for (std::uint64_t keys = 1; groups.next_group(); ++keys) {
      scratch.reset();
      if (!decode_key(groups.key(), key, scratch)) {
        throw std::runtime_error(
            "a key of the map output does not decode: was it written by another job?");
      }
      reduce_group(key, values, out);
      if (keys % kKeysPerFlush == 0) context_.flush_counters();
    }
    if constexpr (Traits::kFinishesReduce) {
      job_.finish(out);
    } else if constexpr (Traits::kFinishes) {
      job_.finish();
    }
  }

  void fold(Merger& merger) {
    if constexpr (Traits::kHasCombine) {
      const InUserCode in_user_code(progress_);
      RunWriter out(host_, abi::RunKind::kFinal, progress_);
      RecordFold<Job> fold(job_, true, kFoldedBytes);
      for (std::uint64_t records = 1; !merger.at_end(); ++records) {
        const std::string_view key = merger.record().key;
        progress_.key.store(key.data(), std::memory_order_relaxed);
        progress_.key_size.store(key.size(), std::memory_order_relaxed);
        progress_.records.store(records, std::memory_order_relaxed);
        fold.add(merger.record(), 0, out);
        // Its bytes go with the record.
        progress_.key_size.store(abi::ProgressSlot::kNoKey, std::memory_order_relaxed);
        merger.advance();
      }
      fold.write_held(0, out);
      out.finish();
    } else {
      throw std::logic_error("the job is to fold values, and has no combine()");
    }
  }

  void reduce_group(const typename Traits::ReduceKey& key, Values<Value>& values, Writer& out) {
    if constexpr (Traits::kHasReduce) {
      job_.reduce(key, values, out);
    } else if constexpr (Traits::kHasCombine) {
      write_folded(key, values, out);
    } else {
      while (values.next()) out.write(key, values.current());
    }
  }

  void write_folded(const typename Traits::ReduceKey& key, Values<Value>& values, Writer& out) {
    values.next();
    if constexpr (kHasView<Value>) {
      // The result of combine() may view its operands, which go with the next value.
      kept_.clear();
      encode_value(Value(values.current()), kept_);
      while (values.next()) {
        Value folded = job_.combine(kept_value(), Value(values.current()));
        Bytes encoded;
        encode_value(folded, encoded);
        std::swap(kept_, encoded);
      }
      out.write(key, kept_value());
    } else {
      Value folded = values.current();
      while (values.next()) folded = job_.combine(std::move(folded), Value(values.current()));
      out.write(key, folded);
    }
  }

  Value kept_value() {
    Value value{};
    scratch_.reset();
    decode_value(kept_.view(), value, scratch_);
    return value;
  }

  Job& job_;
  abi::TaskHost& host_;
  const abi::TaskSettings& settings_;
  Context& context_;
  Outputs& outputs_;
  abi::ProgressSlot& progress_;
  Bytes group_key_;
  Bytes kept_;
  Scratch scratch_;
};

}  // namespace fanfold::detail
