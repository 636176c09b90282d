// Inputs that lie on the hosts of workers: before a job is planned, one worker of each host that it
// names is asked which of its files are meant.
//
// Questions are repeated until they are answered.  A worker that goes away is replaced by another
// one of its host; without one, or when it takes too long, the job is refused.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/proto/messages.hpp"
#include "master/planner/input_files.hpp"
#include "master/service/host_answers.hpp"
#include "master/service/master_state.hpp"

namespace fanfold::master {

class HostDesk {
 public:
  explicit HostDesk(MasterState& state) : state_(state) {}

  /// kExhausted: they are too many to ask for.
  static Status check_size(const std::vector<std::string>& wanted);
  /// What these inputs mean, which lie on hosts and have no tags.  Its turn comes when those before
  /// it are done.  `job`: or whatever else has no job's number.
  void begin(JobId job, const std::vector<std::string>& wanted, std::uint64_t look_above);
  /// What nobody asked for, or of a worker that was not asked, is passed over.
  void take(proto::HostFilesListed answer);

  struct Finished {
    JobId job;
    Result<HostListing> listing;
  };
  /// Asks who is to be asked by now; those that are done.
  std::vector<Finished> advance();
  /// When advance() has something to do although nothing was heard.
  std::optional<Instant> next_due() const;

 private:
  struct Wanted {
    std::string input;  // Without its tag.
    std::string host;   // A pattern.
    std::string path;
  };
  struct Question {
    std::vector<std::size_t> wanted;  // In the order of the patterns that are sent.
    WorkerId worker;                  // Asked last; none: nobody yet.
    Duration patience{};              // Of the next time it is asked.
    Instant again;
    std::optional<proto::HostFilesListed> answer;
  };
  struct Listing {
    std::vector<Wanted> wanted;
    std::uint64_t look_above = 0;
    Instant begun;
    std::map<std::string, Question> hosts;  // Empty: they are not chosen yet.
    HostAnswersSize size;                   // Of the answers that are there.
    Status failed;                          // By one of them.
    std::vector<std::string> notes;
  };
  using Hosts = std::map<std::string, std::vector<const KnownWorker*>>;

  /// Nullopt: it goes on.
  std::optional<Result<HostListing>> advance(JobId job, Listing& listing);
  /// By name, those whose files can be read.
  Hosts known_hosts() const;
  /// Whoever may come is there, as far as can be told.
  bool is_settled() const;
  Status choose_hosts(const Hosts& known, Listing& listing) const;
  Status refuse_host(const Wanted& wanted, const Hosts& known) const;
  Status ask(JobId job, const Hosts& known, const std::string& host, const Listing& listing,
             Question& question);

  MasterState& state_;
  std::map<JobId, Listing> listings_;  // The first of them are under way.
};

}  // namespace fanfold::master
