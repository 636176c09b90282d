// Keeps the board that others look at up to date: within a fraction of a second of what happened,
// and never at the expense of what happens.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "common/core/clock.hpp"
#include "common/core/time.hpp"
#include "master/service/master_state.hpp"
#include "master/web/board.hpp"

namespace fanfold::master {

class BoardKeeper {
 public:
  /// `board` may be null: nobody looks, and nothing is done.
  BoardKeeper(MasterState& state, Clock& clock, web::Board* board)
      : state_(state), clock_(clock), board_(board) {}

  /// When end_turn() will have something to post, as far as is known now.
  std::optional<Instant> next_due() const { return due_; }

  /// Something may have happened.
  void end_turn();

 private:
  std::shared_ptr<const web::Snapshot> take();
  /// Jobs that read the output of others, as far as both are known here: the jobs of a pipeline.
  std::map<JobId, std::vector<JobId>> sources(const std::vector<JobId>& jobs);

  MasterState& state_;
  Clock& clock_;
  web::Board* const board_;
  std::optional<Instant> due_;  // Something happened that is not on the board.
  Instant earliest_;            // Before it nothing is posted.
  /// Of jobs that ended: they do not change any more.
  std::map<JobId, std::shared_ptr<const proto::JobStatus>> ended_;
  /// Of each job that was seen: whose output it reads.  Mostly nobody's.
  std::map<JobId, std::vector<JobId>> sources_;
};

}  // namespace fanfold::master
