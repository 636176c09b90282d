// abi::Task of a job: owns the job object and whatever its mode needs.

#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/context.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/detail/map_side.hpp"
#include "fanfold/detail/reduce_side.hpp"
#include "fanfold/detail/region.hpp"
#include "fanfold/detail/task_threads.hpp"
#include "fanfold/detail/user_code.hpp"
#include "fanfold/writer.hpp"

namespace fanfold::detail {

template <class Job>
class JobTask final : public abi::Task {
 public:
  using Traits = JobTraits<Job>;

  JobTask(abi::TaskHost& host, const abi::TaskSettings& settings)
      : host_(host),
        settings_(settings),
        progress_(settings.progress != nullptr ? *settings.progress : own_progress_),
        context_(host_, settings_, progress_),
        outputs_(host_, settings_.output_format, progress_) {}
  JobTask(const JobTask&) = delete;
  JobTask& operator=(const JobTask&) = delete;

  void start() override {
    task_threads = settings_.threads;
    if constexpr (requires { job_.setup(context_); }) {
      const InUserCode in_user_code(progress_, abi::ProgressSlot::kAtNone);
      job_.setup(context_);
    }
    context_.flush_counters();
    // Only a map task writes as much as the one before it.
    if (settings_.mode != abi::TaskMode::kMap) Region::drop_kept();
    if (settings_.mode != abi::TaskMode::kReduce) {
      map_ = std::make_unique<MapSide<Job>>(job_, host_, settings_, context_, outputs_, progress_);
    }
  }

  void map_block(const abi::InputBlock& block) override { map_->map_block(block); }

  void finish_map() override {
    map_->finish();
    finish();
  }

  std::vector<std::string> finish_sample() override {
    return map_->splitters(settings_.partitions);
  }

  void reduce(std::vector<std::unique_ptr<abi::RunSource>> segments) override {
    reduce_ =
        std::make_unique<ReduceSide<Job>>(job_, host_, settings_, context_, outputs_, progress_);
    reduce_->reduce(std::move(segments));
    finish();
  }

 private:
  void finish() {
    outputs_.flush();
    context_.flush_counters();
  }

  abi::TaskHost& host_;
  const abi::TaskSettings settings_;
  abi::ProgressSlot own_progress_;
  abi::ProgressSlot& progress_;
  Context context_;
  Outputs outputs_;
  Job job_{};
  std::unique_ptr<MapSide<Job>> map_;
  std::unique_ptr<ReduceSide<Job>> reduce_;
};

}  // namespace fanfold::detail
