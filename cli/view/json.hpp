// The same facts for programs (`--json`).  Names of fields are permanent; fields may be added.

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/output/verification.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/types.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::cli {

/// What `cluster up` has started.
struct ClusterUp {
  std::string address;
  std::string directory;
  std::uint32_t workers = 0;
  std::uint32_t slots = 0;
};

// Each is one JSON text, indented, with a final line feed.
std::string to_json(const proto::JobStatus& status);
std::string to_json(const std::vector<proto::JobStatus>& jobs);
std::string to_json(const std::vector<proto::LogEntry>& entries);
/// {"status": ..., "attempts": [...]}: what `why` knows.
std::string to_json(const proto::JobStatus& status, const std::vector<proto::LogEntry>& attempts);
std::string to_json(const proto::ClusterReply& cluster);
std::string to_json(const ClusterUp& cluster);
std::string to_json(const std::vector<abi::JobInfo>& jobs);
/// Flat object of strings, in the given order.
std::string to_json(const std::vector<std::pair<std::string, std::string>>& facts);
std::string to_json(const Verification& verification);

}  // namespace fanfold::cli
