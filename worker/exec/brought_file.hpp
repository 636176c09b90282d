// Files of a job that are not on this host under their path: somebody may bring them.

#pragma once

#include <functional>
#include <string>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::worker {

/// Where the file lies now; `damaged`: what was brought before is something else.  Blocks.
/// kNotFound: nobody has it.  Empty: nobody brings any.
using BringFile =
    std::function<Result<std::string>(const proto::FileReference& reference, bool damaged)>;

/// Of a side file: a host without room for it is not the job's fault.
inline proto::FailureKind failure_of_input(const Status& status) {
  return status.code() == StatusCode::kNoSpace ? proto::FailureKind::kNoSpace
                                               : proto::FailureKind::kInput;
}

/// It is neither where the job says, nor can it be brought.
inline Status cannot_be_had(const Status& here, const Status& brought) {
  if (brought.code() == StatusCode::kNotFound) {
    return {here.code(), here.message() + ", and " + brought.message() +
                             ": submit again, or put the file there on each host"};
  }
  const bool of_the_host = brought.code() == StatusCode::kNoSpace ||
                           brought.code() == StatusCode::kIoError ||
                           brought.code() == StatusCode::kUnavailable;
  return {of_the_host ? brought.code() : StatusCode::kInvalidArgument,
          here.message() + ", and it cannot be brought from the master: " + brought.message()};
}

/// Calls `look(path)` where the job says, and when that is no success where the file is brought to.
/// The status is for people, and says what to do.
template <class Look>
auto look_or_bring(const proto::FileReference& reference, const BringFile& bring, const Look& look)
    -> decltype(look(reference.path)) {
  auto here = look(reference.path);
  if (here.ok() || !bring) return here;
  Status trouble;
  for (const bool damaged : {false, true}) {
    const Result<std::string> path = bring(reference, damaged);
    if (!path.ok()) return cannot_be_had(here.status(), path.status());
    auto there = look(*path);
    if (there.ok()) return there;
    trouble = there.status();
  }
  return cannot_be_had(here.status(), trouble);
}

}  // namespace fanfold::worker
