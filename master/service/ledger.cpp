// What became of every record of a job, added up from the reports of the attempts that committed.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/proto/flow.hpp"
#include "master/service/job_record.hpp"

namespace fanfold::master {
namespace {

using Range = std::pair<std::uint64_t, std::uint64_t>;

/// Whether the ranges of a file follow each other from its first byte, whatever their order.
bool cover(std::vector<Range>& ranges) {
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t next = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != next || end < begin) return false;
    next = end;
  }
  return true;
}

}  // namespace

io::Ledger JobRecord::ledger() const {
  io::Ledger ledger;
  // The same file may be several inputs, under tags or because it was named twice.
  std::map<std::pair<std::string, std::string>, std::vector<Range>> files;
  std::map<std::pair<std::string, std::string>, std::uint64_t> times;
  for (const proto::Split& split : splits_) {
    for (const io::Piece& piece : split.pieces) {
      files[{piece.path, piece.tag}].emplace_back(piece.begin, piece.end);
      if (piece.begin == 0) ++times[{piece.path, piece.tag}];
      ledger.input_bytes += piece.end - piece.begin;
    }
  }
  ledger.input_covered = true;
  for (auto& [file, ranges] : files) {
    ledger.input_files += times[file];
    // Named twice, it is there twice: only single files are looked at.
    if (times[file] == 1 && !cover(ranges)) ledger.input_covered = false;
  }
  for (const Commit& commit : commits_[slot_of(Stage::kMap)]) {
    ledger.records_mapped += commit.report.records_in;
    ledger.pairs_emitted += commit.report.emitted;
    proto::add_flow(&ledger.pairs_written, commit.report.flow);
  }
  for (const Commit& commit : commits_[slot_of(Stage::kReduce)]) {
    proto::add_flow(&ledger.pairs_read, commit.report.flow);
  }
  return ledger;
}

}  // namespace fanfold::master
