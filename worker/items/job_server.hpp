// The inside of the process that runs a plugin's job on one child of an item job after the other.
// What it is asked and answers goes over one stream socket:
//
//   question   u64 size, JSON {"Record": TEXT} or {"File": PATH}
//   answer     one of AnswerKind, u64 size, that many bytes

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "fanfold/abi.hpp"

namespace fanfold::worker {

enum class AnswerKind : char {
  kOutput = 'O',     // JSON.
  kException = 'E',  // Text, as of all below.
  kNoInput = 'I',
  kNoPlugin = 'P',
};

/// Which job it is, and with what it runs.
struct ServedJob {
  std::string plugin;  // Path.
  std::string sha256;
  std::string name;
  std::map<std::string, std::string, std::less<>> parameters;
  bool operator==(const ServedJob&) const = default;
};

/// Until the other end is closed.  `progress` is shared with whoever asks.
void serve_job(int socket, const ServedJob& job, abi::ProgressSlot* progress);

}  // namespace fanfold::worker
