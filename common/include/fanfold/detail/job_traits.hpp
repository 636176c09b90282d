// What a job is, found out at compile time: its types, and which of the optional functions it has.
// Everything that is wrong with a job is said here, in words.

#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "fanfold/abi.hpp"
#include "fanfold/context.hpp"
#include "fanfold/emitter.hpp"
#include "fanfold/parameters.hpp"
#include "fanfold/records.hpp"
#include "fanfold/values.hpp"
#include "fanfold/writer.hpp"

namespace fanfold {

/// static constexpr auto partitioning = fanfold::kRangePartitioned: parts are in key order.
inline constexpr abi::Partitioning kHashPartitioned = abi::Partitioning::kHash;
inline constexpr abi::Partitioning kRangePartitioned = abi::Partitioning::kRange;

/// static constexpr auto gather = fanfold::kGatherMergeSort: how the parts become one file.
inline constexpr abi::Gather kGatherConcat = abi::Gather::kConcat;
inline constexpr abi::Gather kGatherMergeSort = abi::Gather::kMergeSort;
inline constexpr abi::Gather kGatherReduce = abi::Gather::kReduce;

namespace detail {

// kNames_x<Job>: Job has a member called x, of whatever kind, overloaded or not.  A class with two
// bases that both have an x is ambiguous, which makes the address of x ill-formed.
#define FANFOLD_DETAIL_NAMES(member)                     \
  struct Has_##member {                                  \
    int member;                                          \
  };                                                     \
  template <class Job>                                   \
  struct Both_##member : Job, Has_##member {};           \
  template <class Job>                                   \
  consteval bool names_##member() {                      \
    if constexpr (std::is_final_v<Job>) {                \
      return requires { &Job::member; };                 \
    } else {                                             \
      return !requires { &Both_##member<Job>::member; }; \
    }                                                    \
  }
FANFOLD_DETAIL_NAMES(map)
FANFOLD_DETAIL_NAMES(reduce)
FANFOLD_DETAIL_NAMES(combine)
FANFOLD_DETAIL_NAMES(partition)
FANFOLD_DETAIL_NAMES(setup)
FANFOLD_DETAIL_NAMES(finish)
FANFOLD_DETAIL_NAMES(declare)
FANFOLD_DETAIL_NAMES(only_lines_with)
#undef FANFOLD_DETAIL_NAMES

/// Key and value types of a map function, from its signature.
template <class Function>
struct MapSignature {
  static constexpr bool kIsMap = false;
};
template <class K, class V>
struct MapSignatureOf {
  static constexpr bool kIsMap = true;
  using Key = K;
  using Value = V;
};
template <class R, class J, class A, class K, class V>
struct MapSignature<R (J::*)(A, Emitter<K, V>&)> : MapSignatureOf<K, V> {};
template <class R, class J, class A, class K, class V>
struct MapSignature<R (J::*)(A, Emitter<K, V>&) const> : MapSignatureOf<K, V> {};
template <class R, class J, class A, class K, class V>
struct MapSignature<R (J::*)(A, Emitter<K, V>&) noexcept> : MapSignatureOf<K, V> {};
template <class R, class J, class A, class K, class V>
struct MapSignature<R (J::*)(A, Emitter<K, V>&) const noexcept> : MapSignatureOf<K, V> {};
template <class R, class A, class K, class V>
struct MapSignature<R (*)(A, Emitter<K, V>&)> : MapSignatureOf<K, V> {};
template <class R, class A, class K, class V>
struct MapSignature<R (*)(A, Emitter<K, V>&) noexcept> : MapSignatureOf<K, V> {};

template <class Job>
struct InputOf {
  using Type = Lines;
};
template <class Job>
requires requires { typename Job::Input; }
struct InputOf<Job> {
  using Type = typename Job::Input;
};

template <class T>
concept InputFormat = requires {
  typename T::Record;
  { T::kFormat } -> std::convertible_to<abi::RecordFormat>;
};

template <class Job>
consteval bool find_order_values() {
  if constexpr (requires { Job::order_values; }) {
    return Job::order_values;
  } else {
    return false;
  }
}

template <class Job>
consteval abi::Gather find_gather() {
  if constexpr (requires { Job::gather; }) {
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(Job::gather)>, abi::Gather>,
                  "fanfold: gather is fanfold::kGatherConcat, kGatherMergeSort or kGatherReduce");
    return Job::gather;
  } else {
    return abi::Gather::kNone;
  }
}

template <class Job>
consteval std::uint32_t find_gather_arity() {
  if constexpr (requires { Job::gather_arity; }) {
    static_assert(
        Job::gather_arity >= abi::kGatherArityLeast && Job::gather_arity <= abi::kGatherArityMost,
        "fanfold: gather_arity, the results that one gather task brings together, is 2 to 256");
    return Job::gather_arity;
  } else {
    return 0;
  }
}

template <class Job>
consteval bool find_csv_header() {
  if constexpr (requires { Job::csv_header; }) {
    static_assert(!Job::csv_header || InputOf<Job>::Type::kFormat == abi::RecordFormat::kCsv,
                  "fanfold: csv_header is for jobs with `using Input = fanfold::Csv`");
    return Job::csv_header;
  } else {
    return false;
  }
}

template <class Job>
consteval abi::Partitioning find_partitioning() {
  if constexpr (names_partition<Job>()) {
    static_assert(
        !requires { Job::partitioning; },
        "fanfold: the job has a partition() function and a partitioning constant; "
        "only one of them can decide");
    return abi::Partitioning::kCustom;
  } else if constexpr (requires { Job::partitioning; }) {
    static_assert(Job::partitioning != abi::Partitioning::kCustom,
                  "fanfold: custom partitioning needs a function: "
                  "std::uint32_t partition(const Key& key, std::uint32_t partitions)");
    return Job::partitioning;
  } else {
    return abi::Partitioning::kHash;
  }
}

template <class Job>
struct JobTraits {
  static_assert(std::is_class_v<Job>, "fanfold: a job is a struct or class");
  static_assert(std::is_default_constructible_v<Job>,
                "fanfold: a job is made without arguments; take parameters in setup(Context&)");
  static_assert(names_map<Job>(),
                "fanfold: the job has no map function: "
                "void map(std::string_view line, fanfold::Emitter<Key, Value>& out)");
  static_assert(
      !names_map<Job>() || requires { &Job::map; },
      "fanfold: the job's map must be one public function, not overloaded and no "
      "template: its signature says what the keys and values are");

  static consteval auto find_map_signature() {
    if constexpr (requires { &Job::map; }) {
      using Signature = MapSignature<decltype(&Job::map)>;
      static_assert(Signature::kIsMap,
                    "fanfold: map takes a record and an emitter: "
                    "void map(std::string_view line, fanfold::Emitter<Key, Value>& out)");
      if constexpr (Signature::kIsMap) return Signature();
    }
  }
  using Signature = decltype(find_map_signature());
  using Key = typename Signature::Key;
  using Value = typename Signature::Value;
  using JobEmitter = Emitter<Key, Value>;
  using Input = typename InputOf<Job>::Type;
  static_assert(InputFormat<Input>,
                "fanfold: `using Input = ...` names no record format; there are fanfold::Lines, "
                "KeyValueLines, Csv, JsonLines, FixedLength<N> and WholeFile");
  static_assert(
      requires(Job & job, typename Input::Record& record, JobEmitter& out) {
        job.map(record, out);
      },
      "fanfold: map does not take the records of the job's Input: std::string_view for Lines, "
      "FixedLength and WholeFile, KeyValue, CsvRow or JsonLine for the others");

  static constexpr bool kHasReduce = names_reduce<Job>();
  static constexpr bool kHasCombine = names_combine<Job>();
  static constexpr bool kHasPartition = names_partition<Job>();

  static constexpr bool kOrderValues = find_order_values<Job>();
  static_assert(!kOrderValues || KeyEncodable<Value>,
                "fanfold: order_values needs values that could be keys: strings, numbers, pairs, "
                "tuples, vectors or optionals of them");

  static constexpr abi::Partitioning kPartitioning = find_partitioning<Job>();
  static constexpr bool kCsvHeader = find_csv_header<Job>();

  static constexpr abi::Gather kGather = find_gather<Job>();
  static constexpr std::uint32_t kGatherArity = find_gather_arity<Job>();
  static_assert(kGather != abi::Gather::kReduce || kHasCombine,
                "fanfold: to gather by reducing a job needs a function that folds two values: "
                "static Value combine(Value a, Value b)");

  static_assert(
      !kHasPartition ||
          requires(Job & job, const Key& key, std::uint32_t partitions) {
            { job.partition(key, partitions) } -> std::convertible_to<std::uint32_t>;
          },
      "fanfold: partition must be public and look like "
      "static std::uint32_t partition(const Key& key, std::uint32_t partitions)");
  static_assert(
      !kHasCombine ||
          requires(Job & job, Value value) {
            { job.combine(std::move(value), std::move(value)) } -> std::convertible_to<Value>;
          },
      "fanfold: combine must be public and look like static Value combine(Value a, Value b), "
      "with the value type of map's emitter");

  /// Strings reach reduce() as views unless it insists on std::string.
  template <class K>
  static constexpr bool kReduces = requires(Job& job, const K& key, Values<Value>& values,
                                            Writer& out) {
    job.reduce(key, values, out);
  };
  using ReduceKey =
      std::conditional_t<StringLike<Key>,
                         std::conditional_t<kReduces<std::string_view> || !kReduces<std::string>,
                                            std::string_view, std::string>,
                         Key>;
  static_assert(!kHasReduce || kReduces<ReduceKey>,
                "fanfold: reduce must be public and look like "
                "void reduce(Key key, fanfold::Values<Value>& values, fanfold::Writer& out), with "
                "the key and value types of map's emitter");

  static_assert(
      !names_setup<Job>() || requires(Job & job, Context& context) { job.setup(context); },
      "fanfold: setup must be public and look like void setup(fanfold::Context& context)");

  static constexpr bool kFinishesMap = requires(Job & job, JobEmitter& out) { job.finish(out); };
  static constexpr bool kFinishesReduce = requires(Job & job, Writer& out) { job.finish(out); };
  static constexpr bool kFinishes = requires(Job & job) { job.finish(); };
  static_assert(!names_finish<Job>() || kFinishesMap || kFinishesReduce || kFinishes,
                "fanfold: finish must be public and look like void finish(), "
                "void finish(fanfold::Emitter<Key, Value>& out) at the end of a map task or "
                "void finish(fanfold::Writer& out) at the end of a reduce task");
  static_assert(kGather != abi::Gather::kMergeSort || !kFinishesReduce,
                "fanfold: what finish(fanfold::Writer& out) writes has no key to be merged by; use "
                "kGatherConcat");

  static constexpr bool kSkipsLines = names_only_lines_with<Job>();
  static_assert(
      !kSkipsLines ||
          requires(const Job& job) {
            { job.only_lines_with() } -> std::convertible_to<std::string_view>;
          },
      "fanfold: only_lines_with must be public and look like "
      "std::string_view only_lines_with() const");
  static_assert(!kSkipsLines || std::is_same_v<Input, Lines>,
                "fanfold: only_lines_with is for jobs that read Lines");

  static_assert(
      !names_declare<Job>() || requires(Parameters & parameters) { Job::declare(parameters); },
      "fanfold: declare must be public and look like "
      "static void declare(fanfold::Parameters& parameters)");
};

}  // namespace detail
}  // namespace fanfold
