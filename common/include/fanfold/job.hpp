// Everything a job needs.  A job is a struct with a map function; the rest is optional:
//
//   struct WordCount {
//     void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
//       for (std::string_view word : fanfold::words(line)) out.emit(word, 1);
//     }
//     static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
//     void reduce(std::string_view word, fanfold::Values<std::uint64_t>& counts,
//                 fanfold::Writer& out) {
//       out.write(word, fanfold::sum(counts));
//     }
//   };
//   FANFOLD_JOB(WordCount, "word_count", "Counts how often each word occurs.");
//
//   using Input = fanfold::Csv;                     records.hpp: Lines (without this), Csv, ...
//   static constexpr bool csv_header = true;        the first record of a CSV file names columns
//   static constexpr std::array inputs{"a", "b"};   tagged inputs, told apart by input_tag()
//   static void declare(fanfold::Parameters&);      parameters.hpp: --param name=value
//   void setup(fanfold::Context& context);          context.hpp: before the first record or key
//   static V combine(V a, V b);                     folds values early; associative, commutative
//   void reduce(K, fanfold::Values<V>&, fanfold::Writer&);
//   void finish(fanfold::Emitter<K, V>& out);       after the last record of a map task
//   void finish(fanfold::Writer& out);              after the last key of a reduce task
//   static std::uint32_t partition(const K& key, std::uint32_t partitions);
//   static constexpr auto partitioning = fanfold::kRangePartitioned;   parts in key order
//   static constexpr bool order_values = true;      values of a key come sorted
//   std::string_view only_lines_with() const;       lines without this text are not mapped
//
// Without reduce(), a job with combine() writes each key with its folded value, and one without
// writes every pair.  Values of a key arrive in input order.  One object of the job serves one
// task, in one thread; map and reduce tasks are different objects, in different processes.
//
// What the key types are and how they order: key_codec.hpp.  Test a job with testing.hpp.

#pragma once

#include "fanfold/context.hpp"
#include "fanfold/detail/registration.hpp"
#include "fanfold/emitter.hpp"
#include "fanfold/parameters.hpp"
#include "fanfold/records.hpp"
#include "fanfold/values.hpp"
#include "fanfold/words.hpp"
#include "fanfold/writer.hpp"

/// Makes the job `Type` known under a name, with one sentence on what it does.  In a .cpp file,
/// outside of any namespace; a plugin may hold several jobs.
#define FANFOLD_JOB(Type, name, summary) FANFOLD_DETAIL_JOB(Type, name, summary, __COUNTER__)
