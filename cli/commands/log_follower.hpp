// What the attempts of a job write, as they write it.

#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "cli/client/client.hpp"
#include "cli/view/names.hpp"

namespace fanfold::cli {

class LogFollower {
 public:
  struct Hooks {
    std::function<void(const std::string& text)> print;
    /// Called when there is no more for now: waits a while and returns whether to go on.
    std::function<bool()> wait;
    FollowHooks asking;  // For every question to the master.
  };

  LogFollower(Client& client, LogTarget target, Hooks hooks)
      : client_(client), target_(std::move(target)), hooks_(std::move(hooks)) {}

  /// Attempts whose output was shown already.
  void skip(AttemptId attempt) { shown_.insert(attempt.value); }

  /// Until the job is over and all is shown.  kNotFound: no such job, or its event log, which says
  /// what runs, is not kept.
  Status run();

 private:
  struct Followed {
    std::string name;  // "map-3.1"
    std::string worker;
    std::uint64_t offset = 0;
    std::string begun;  // A line that does not end yet.
    bool runs = false;
    bool over = false;
    std::string outcome;  // How it ended: one line.
  };
  using Attempts = std::map<std::uint64_t, Followed>;

  /// Takes in what the event log says since the last time; whether the job is over.
  Result<bool> read_events();
  void note_event(std::string_view line);
  bool is_wanted(const std::string& task, std::uint32_t number) const;
  /// Shows what an attempt has written since; whether that is all that it ever wrote.
  Result<bool> show_output(AttemptId attempt, Followed& followed);
  void show(Followed& followed, const proto::Output& output) const;
  void show_end(Followed& followed) const;

  Client& client_;
  const LogTarget target_;
  const Hooks hooks_;
  std::set<std::uint64_t> shown_;
  std::uint64_t events_read_ = 0;
  std::string begun_event_;
  Attempts attempts_;  // Under way, or over and not shown.
};

}  // namespace fanfold::cli
