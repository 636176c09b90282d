// What became of every record of a job, added up from the reports of the attempts that committed.

#include "common/proto/flow.hpp"
#include "master/service/job_record.hpp"

namespace fanfold::master {
namespace {

/// Whether the pieces of every file follow each other from its first byte.  Splits hold them in the
/// order of the input, so that one look at each is enough; a file that was named twice is there
/// twice.
class Coverage {
 public:
  void add(const io::Piece& piece) {
    if (piece.begin == 0) {
      ++files_;
    } else if (last_ == nullptr || piece.begin != last_->end || piece.path != last_->path ||
               piece.tag != last_->tag) {
      complete_ = false;
    }
    if (piece.end < piece.begin) complete_ = false;
    last_ = &piece;
  }

  std::uint64_t files() const { return files_; }
  bool complete() const { return complete_; }

 private:
  const io::Piece* last_ = nullptr;
  std::uint64_t files_ = 0;
  bool complete_ = true;
};

}  // namespace

io::Ledger JobRecord::ledger() const {
  io::Ledger ledger;
  Coverage coverage;
  for (const proto::Split& split : splits_) {
    for (const io::Piece& piece : split.pieces) {
      coverage.add(piece);
      ledger.input_bytes += piece.end - piece.begin;
    }
  }
  ledger.input_files = coverage.files();
  ledger.input_covered = coverage.complete();
  for (const Commit& commit : commits_[slot_of(Stage::kMap)]) {
    ledger.records_mapped += commit.report.records_mapped;
    ledger.records_skipped += commit.report.records_skipped;
    ledger.dead_letters += commit.report.dead_letters;
    ledger.pairs_emitted += commit.report.emitted;
    proto::add_flow(&ledger.pairs_written, commit.report.flow);
  }
  for (const Commit& commit : commits_[slot_of(Stage::kReduce)]) {
    proto::add_flow(&ledger.pairs_read, commit.report.flow);
  }
  return ledger;
}

}  // namespace fanfold::master
