// The door to whoever lists files of this host for a master.  Walking directories takes its time,
// so answers come later; in production a thread finds them (threaded_host_lister.hpp).

#pragma once

#include <vector>

#include "common/proto/messages.hpp"

namespace fanfold::worker {

class HostLister {
 public:
  virtual ~HostLister() = default;

  /// Nothing when the same request is being answered, or too many others wait: it comes again.
  virtual void list(proto::ListHostFiles question) = 0;
  /// Answers since the last call, but for their worker.
  virtual std::vector<proto::HostFilesListed> take() = 0;
  virtual bool has_answer() const = 0;
};

}  // namespace fanfold::worker
