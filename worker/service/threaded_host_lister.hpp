// The production side of HostLister: one thread, made when the first question comes.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "common/core/clock.hpp"
#include "common/core/mailbox.hpp"
#include "common/core/mutex.hpp"
#include "common/inputs/host_input.hpp"
#include "common/io/file_system.hpp"
#include "common/net/event_counter.hpp"
#include "worker/service/host_lister.hpp"

namespace fanfold::worker {

class ThreadedHostLister final : public HostLister {
 public:
  /// `files` are this host's, by their paths, and outlive it.
  static Result<std::unique_ptr<ThreadedHostLister>> make(io::FileSystem& files, Clock& clock,
                                                          inputs::HostInputs readable);
  // Its end gives up a search that is under way, and so does a master that does not ask any more.

  void list(proto::ListHostFiles question) override;
  std::vector<proto::HostFilesListed> take() override;
  /// descriptor() says so.
  bool has_answer() const override { return false; }
  /// Readable when take() has something.
  int descriptor() const { return answered_.descriptor(); }

 private:
  ThreadedHostLister(io::FileSystem& files, Clock& clock, inputs::HostInputs readable);
  void run(const std::stop_token& stop);
  /// Nobody has asked for it lately.
  bool is_stale(std::uint64_t request);

  io::FileSystem& files_;
  Clock& clock_;
  const inputs::HostInputs readable_;
  const std::unique_ptr<io::FileSystem> by_host_;
  net::EventCounter answered_;
  Mailbox<proto::HostFilesListed> answers_;
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<proto::ListHostFiles> questions_ FANFOLD_GUARDED_BY(mutex_);
  /// Requests that are not answered yet, and when each was asked last.
  std::map<std::uint64_t, Instant> asked_ FANFOLD_GUARDED_BY(mutex_);
  std::jthread thread_;  // Last, so that it is joined first.
};

}  // namespace fanfold::worker
