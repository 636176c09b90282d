// How FANFOLD_JOB makes a job known: the table of the plugin, its entry point, and the note with
// the fingerprint.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "fanfold/abi.hpp"
#include "fanfold/detail/job_task.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/fingerprint.hpp"

namespace fanfold::detail {

template <class Job>
std::unique_ptr<abi::Task> make_task(abi::TaskHost& host, const abi::TaskSettings& settings) {
  return std::make_unique<JobTask<Job>>(host, settings);
}

template <class Job>
abi::JobInfo describe_job(std::string_view name, std::string_view summary) {
  using Traits = JobTraits<Job>;
  abi::JobInfo info;
  info.name = name;
  info.summary = summary;
  info.format = Traits::Input::kFormat;
  info.fixed_length = Traits::Input::kFixedLength;
  info.csv_header = Traits::kCsvHeader;
  info.partitioning = Traits::kPartitioning;
  info.has_combiner = Traits::kHasCombine;
  info.has_reduce = Traits::kHasReduce;
  info.order_values = Traits::kOrderValues;
  info.gather = Traits::kGather;
  info.gather_arity = Traits::kGatherArity;
  info.writes_at_end = Traits::kFinishesReduce;
  info.key_order = KeyCodec<typename Traits::Key>::order();
  if constexpr (requires { Job::inputs; }) {
    for (const auto& tag : Job::inputs) info.inputs.emplace_back(tag);
  }
  Parameters parameters;
  if constexpr (requires { Job::declare(parameters); }) Job::declare(parameters);
  info.parameters = parameters.all();
  info.make_task = &make_task<Job>;
  return info;
}

/// The table of this plugin.  Hidden, because the loader would make one object of the tables of all
/// plugins in a process otherwise (they are weak symbols of one name).
[[gnu::visibility("hidden")]] inline abi::Plugin& this_plugin() {
  static abi::Plugin plugin;
  return plugin;
}

struct Registration {
  explicit Registration(abi::JobInfo info) { this_plugin().jobs.push_back(std::move(info)); }
};

}  // namespace fanfold::detail

/// The symbol that a host looks up.  Emitted where FANFOLD_JOB takes its address.
extern "C" [[gnu::visibility("default")]] inline const fanfold::abi::Plugin* fanfold_plugin() {
  return &fanfold::detail::this_plugin();
}

// A note is no ordinary global: clang's AddressSanitizer would pad it.
#ifdef __clang__
#define FANFOLD_DETAIL_NOTE gnu::used, gnu::section(".note.fanfold"), clang::no_sanitize("address")
#else
#define FANFOLD_DETAIL_NOTE gnu::used, gnu::section(".note.fanfold")
#endif

#define FANFOLD_DETAIL_JOIN_2(a, b) a##b
#define FANFOLD_DETAIL_JOIN(a, b) FANFOLD_DETAIL_JOIN_2(a, b)
#define FANFOLD_DETAIL_JOB(Type, name, summary, number)                                        \
  static_assert(::fanfold::detail::valid_name(name),                                           \
                "fanfold: the name of a job is up to 64 letters, digits, '.', '_' and '-', "   \
                "beginning with a letter or digit");                                           \
  [[maybe_unused]] static const ::fanfold::detail::Registration FANFOLD_DETAIL_JOIN(           \
      fanfold_job_, number){::fanfold::detail::describe_job<Type>(name, summary)};             \
  [[gnu::used]] static const ::fanfold::abi::EntryPoint FANFOLD_DETAIL_JOIN(                   \
      fanfold_entry_, number) = &::fanfold_plugin;                                             \
  [[FANFOLD_DETAIL_NOTE, gnu::aligned(4)]] static constexpr ::fanfold::detail::FingerprintNote \
  FANFOLD_DETAIL_JOIN(fanfold_note_, number) {}
