// What the operating system tells the master: signals, and the end of its parent.

#pragma once

#include <cstdint>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/time.hpp"

namespace fanfold::master {

class ProcessEvents {
 public:
  /// Blocks SIGINT and SIGTERM and ignores SIGPIPE: call it before any thread is made.
  /// `lifetime_fd` is -1 or a descriptor whose end means that the parent is gone.
  static Result<ProcessEvents> open(int lifetime_fd);

  ProcessEvents(ProcessEvents&& other) noexcept;
  ProcessEvents& operator=(ProcessEvents&&) = delete;
  ~ProcessEvents();

  /// For Transport::watch().
  std::vector<int> descriptors() const;

  struct Seen {
    bool stop_signal = false;
    bool parent_gone = false;
  };
  /// What came since the last call; never waits.
  Seen poll();

 private:
  ProcessEvents(int signal_fd, int lifetime_fd)
      : signal_fd_(signal_fd), lifetime_fd_(lifetime_fd) {}

  int signal_fd_ = -1;
  int lifetime_fd_ = -1;
};

}  // namespace fanfold::master
