// What a task tells a job about itself.  setup(Context&) receives it; a job may keep its address
// and use it in map() and reduce().

#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fanfold/abi.hpp"
#include "fanfold/parameters.hpp"

namespace fanfold {

/// A number that the whole job adds up.  Adding costs one addition; the sum is reported when the
/// job's tasks commit, so the work of failed attempts does not count.
class Counter {
 public:
  explicit Counter(std::string_view name) : name_(name) {}
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  void add(std::int64_t delta = 1) { pending_ += delta; }
  const std::string& name() const { return name_; }

  /// The engine's side: takes what was added since the last call.
  std::int64_t take() { return std::exchange(pending_, 0); }
  /// What is added from mark() on is forgotten by undo().  No take() between them.
  void mark() { marked_ = pending_; }
  void undo() { pending_ = marked_; }

 private:
  std::string name_;
  std::int64_t pending_ = 0;
  std::int64_t marked_ = 0;
};

/// Lives as long as its task.  One thread.
class Context {
 public:
  Context(abi::TaskHost& host, const abi::TaskSettings& settings, abi::ProgressSlot& progress)
      : host_(host), settings_(settings), progress_(progress) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// A declared parameter, as T.  Throws when it was never declared or is not a T.
  template <ParameterValue T>
  T parameter(std::string_view name) const {
    const auto found = settings_.parameters.find(name);
    if (found == settings_.parameters.end()) {
      throw std::invalid_argument("the job asks for parameter '" + std::string(name) +
                                  "', which its declare() does not declare");
    }
    T value{};
    if (!detail::parse_parameter(std::string_view(found->second), value)) {
      throw std::invalid_argument("parameter '" + std::string(name) + "' is '" + found->second +
                                  "', which is not of the type that the job asks for");
    }
    return value;
  }

  /// Look it up once, in setup(), and keep the reference.
  Counter& counter(std::string_view name) {
    for (Counter& counter : counters_) {
      if (counter.name() == name) return counter;
    }
    return counters_.emplace_back(name);
  }

  /// Says that the task is alive: call it in long work on one record, from any thread.
  void progress() {
    progress_.ticks.store(progress_.ticks.load(std::memory_order_relaxed) + 1,
                          std::memory_order_relaxed);
  }

  /// Ends this attempt: the task goes back to the queue, and is not handed out before `delay` has
  /// passed (at most a day), wherever it was.  For work that cannot be done yet: a service is
  /// away, a quota is used up.  It counts as one of the task's attempts, as the error
  /// Task.GivenBack of a Retry, and the rest of the task's input waits with it.
  [[noreturn]] void give_back(std::chrono::milliseconds delay, std::string_view why) {
    const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
    throw abi::GivenBack{ms, std::string(why)};
  }

  /// Writes a line to the task's log.
  void log(std::string_view text) { host_.log(text); }

  /// The contents of a side file (`--file name=PATH`), read-only, as long as the task lives.
  std::string_view side_file(std::string_view name) const { return host_.side_file(name); }

  /// Map: the input file, as the user named it.
  std::string_view file() const { return file_; }
  /// Map: where the current record begins in the (decompressed) file.
  std::uint64_t offset() const { return progress_.offset.load(std::memory_order_relaxed); }
  /// Map: which of the job's declared inputs the record comes from.
  std::string_view input_tag() const { return tag_; }

  /// The split (map) or partition (reduce) of this task.
  std::uint32_t task_index() const { return settings_.index; }
  /// 1 for the first attempt at the task.
  std::uint32_t attempt() const { return settings_.attempt; }
  /// Threads that this task may use at once: its share of the host.  See fork_join.hpp.
  std::uint32_t threads() const { return settings_.threads; }
  /// Reduce tasks of the job.
  std::uint32_t partitions() const { return settings_.partitions; }
  std::string_view job_id() const { return settings_.job_id; }

  /// The engine's side.
  void enter(const abi::InputBlock& block) {
    file_ = block.file;
    tag_ = block.tag;
  }
  void leave() { file_ = tag_ = {}; }
  void mark_counters() {
    for (Counter& counter : counters_) counter.mark();
  }
  void undo_counters() {
    for (Counter& counter : counters_) counter.undo();
  }
  void flush_counters() {
    for (Counter& counter : counters_) {
      if (const std::int64_t delta = counter.take(); delta != 0) {
        host_.add_to_counter(counter.name(), delta);
      }
    }
  }

 private:
  abi::TaskHost& host_;
  const abi::TaskSettings& settings_;
  abi::ProgressSlot& progress_;
  std::deque<Counter> counters_;  // References to counters must stay good.
  std::string_view file_;
  std::string_view tag_;
};

}  // namespace fanfold
