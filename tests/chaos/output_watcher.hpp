// A reader who looks at an output directory all the time, from before its job starts.  It sees
// nothing, or one complete output that never changes again: anything else is remembered.
//
// Two eyes: the kernel's own report of everything that happens to the name and below it (inotify,
// so no moment is too short to be seen), and reads as any program would do them.

#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace fanfold::chaos {

class OutputWatcher {
 public:
  /// `directory` does not exist yet, its parent does.  Throws std::runtime_error when the kernel
  /// does not give what is needed.
  explicit OutputWatcher(const std::string& directory);
  ~OutputWatcher();

  /// Ends the watch.  What a reader should not have seen.
  std::vector<std::string> finish();
  bool appeared() const { return appeared_; }
  /// Reads since the start: a watch that looked twice proves nothing.
  std::uint64_t looks() const { return looks_; }

 private:
  void watch(const std::stop_token& stop);
  void read_events();
  void look();
  void complain(const std::string& what);

  const std::string parent_;
  const std::string name_;
  int events_ = -1;
  int stop_ = -1;
  int parent_watch_ = -1;
  int output_watch_ = -1;
  std::atomic<bool> appeared_ = false;
  std::atomic<std::uint64_t> looks_ = 0;
  std::vector<std::string> complaints_;  // Of the watching thread until it is joined.
  std::jthread thread_;
};

}  // namespace fanfold::chaos
