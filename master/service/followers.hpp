// Clients that follow a job: who is told when.  Changes are told at most every
// limits::kFollowInterval; a final state at once, and then never again.

#pragma once

#include <map>
#include <optional>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/net/transport.hpp"

namespace fanfold::master {

class Followers {
 public:
  explicit Followers(Duration interval) : interval_(interval) {}

  /// False: the job has too many followers.  The caller tells the current status itself.
  [[nodiscard]] bool add(JobId job, const net::PeerId& peer, Instant now);
  /// A peer that cannot be reached follows nothing any more.
  void remove(const net::PeerId& peer);

  /// Something about the job is not what it was.
  void touch(JobId job);
  /// It ended: its followers are due now, for the last time.
  void finish(JobId job);

  struct Due {
    JobId job;
    std::vector<net::PeerId> peers;
  };
  std::vector<Due> take_due(Instant now);
  /// When take_due() will have something, as far as is known now.
  std::optional<Instant> next_due() const;

 private:
  struct Following {
    std::vector<net::PeerId> peers;
    Instant next;  // Not before, unless finished.
    bool touched = false;
    bool finished = false;
  };

  const Duration interval_;
  std::map<JobId, Following> jobs_;
};

}  // namespace fanfold::master
