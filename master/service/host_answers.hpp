// What workers say of files on their hosts, checked, as the input of a plan.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/proto/messages.hpp"
#include "master/planner/input_files.hpp"

namespace fanfold::master {

/// Why it is not believed, or what the host says.  `patterns`: so many it was asked for.
Status check_answer(const std::string& host, std::size_t patterns,
                    const proto::HostFilesListed& answer);

/// Of all answers for a job: they are held at once.
struct HostAnswersSize {
  /// kExhausted: they are too many.
  Status add(const std::string& host, const proto::HostFilesListed& answer);

  std::size_t files = 0;
  std::size_t path_bytes = 0;
  std::uint64_t bytes = 0;
};

/// Answers that check_answer() let through.
struct HostAnswers {
  struct Input {
    std::string input;  // Without its tag.
    std::string host;   // A pattern.
  };
  struct OfHost {
    std::string host;
    std::vector<std::size_t> asked;  // Index into `inputs`, of each pattern in the question.
    proto::HostFilesListed answer;
  };
  std::vector<Input> inputs;
  std::vector<OfHost> hosts;  // By name.
  std::vector<std::string> notes;
};

/// Notes tell what was left out and where nothing was found.  Fails when an input means no file.
Result<HostListing> gather_answers(HostAnswers answers);

}  // namespace fanfold::master
