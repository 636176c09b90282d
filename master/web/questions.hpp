// What pages ask the master itself, because it is in no file: what attempts write while they run.
//
// A page asks as a client would, from within the process: its thread waits here, the master's takes
// the question, handles it as any client's, and hands back what it would have sent.  Thread-safe.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::master::web {

class Questions {
 public:
  struct Question {
    std::string peer;  // Who asks, as the master names clients.
    proto::GetOutput message;
  };

  /// `wake` makes the master look; it is called from threads of pages.
  explicit Questions(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// Any thread but the master's.  kUnavailable: nobody answered in time, or
  /// another thread asks: one waits at a time.
  Result<proto::Output> ask(const proto::GetOutput& message, std::chrono::milliseconds patience);

  // The master's side.
  std::vector<Question> take();
  /// False: `peer` is nobody who waits here.
  bool answer(const std::string& peer, const std::string& frame);

 private:
  const std::function<void()> wake_;
  Mutex mutex_;
  std::condition_variable_any answered_;
  std::uint64_t asked_ FANFOLD_GUARDED_BY(mutex_) = 0;
  std::vector<Question> untaken_ FANFOLD_GUARDED_BY(mutex_);
  /// By peer; nullopt: no answer yet.
  std::map<std::string, std::optional<std::string>> waiting_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::master::web
