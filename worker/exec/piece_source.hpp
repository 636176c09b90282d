// Where a map reads: pieces of files as the planner has cut them, or, in a redrive, the very
// records that dead letters tell of.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/piece_reader.hpp"
#include "common/proto/types.hpp"

namespace fanfold::worker {

io::ReadOptions read_options(const proto::JobSpec& spec);

class PieceSource {
 public:
  /// Both outlive it.
  PieceSource(io::FileSystem& files, const proto::JobSpec& spec);

  /// In a redrive a piece is one record: from its first byte to the one past its last, in the
  /// decompressed file, with proto::record_version() of its bytes as its version.  Where other
  /// bytes are now, its reader gives kCorruption.  At most one reader at a time; it borrows from
  /// this.
  Result<std::unique_ptr<io::PieceReader>> open(const io::Piece& piece);

 private:
  class OneRecord;

  /// The block that holds the record.
  Result<abi::InputBlock> find_block(const io::Piece& piece);
  Status open_file(const io::Piece& piece);

  io::FileSystem& files_;
  const io::ReadOptions options_;
  const bool redrives_;
  // A compressed file is read once for records that follow each other.
  std::string path_;
  std::string tag_;
  std::unique_ptr<io::PieceReader> file_;
  std::optional<abi::InputBlock> block_;
};

}  // namespace fanfold::worker
