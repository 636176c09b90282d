// The input of a chaos run, and the bytes that its jobs have to give, whatever happens.
//
// What word_count and sort give is worked out twice: by a few lines that share nothing with Fanfold
// (all words counted in a map, all lines sorted in memory), and by the same job where nothing goes
// wrong, which also fixes how the output is divided into files.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/proto/types.hpp"
#include "tests/e2e/workspace.hpp"

namespace fanfold::chaos {

/// Files of an output by name, each as size and checksum; the manifest without what differs from
/// run to run.
using Fingerprint = std::map<std::string, std::string>;
Fingerprint fingerprint_of(const std::string& directory);

struct OracleOptions {
  std::uint64_t seed = 1;
  std::uint64_t input_bytes = 64u << 20;
  std::uint64_t split_bytes = 1u << 20;
  std::uint32_t partitions = 6;
};

class Oracle {
 public:
  /// Writes the input and runs the jobs where nothing goes wrong.  Throws std::runtime_error when
  /// they do not give what they should.  Call it before any thread exists.
  Oracle(const e2e::Workspace& workspace, const OracleOptions& options);

  const std::vector<std::string>& jobs() const { return jobs_; }
  /// Complete but for its output and its client id.
  const proto::JobSpec& spec(const std::string& job) const { return specs_.at(job); }
  /// What differs between the output in `directory` and the right one; empty: nothing.
  std::string difference(const std::string& job, const std::string& directory) const;

 private:
  void write_input(const OracleOptions& options);
  proto::JobSpec make_spec(const std::string& job, const OracleOptions& options) const;
  void run_undisturbed(const std::string& job);

  const e2e::Workspace& workspace_;
  const std::string input_;
  const std::vector<std::string> jobs_ = {"word_count", "sort"};
  std::map<std::string, proto::JobSpec> specs_;
  std::map<std::string, Fingerprint> expected_;
};

}  // namespace fanfold::chaos
