#include "worker/exec/piece_source.hpp"

#include <utility>

#include "common/core/limits.hpp"
#include "common/proto/redrive.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::worker {
namespace {

std::uint64_t end_of(const abi::InputBlock& block) { return block.offset + block.bytes.size(); }

/// Whether all of the record is in it; one of a file of no bytes is where it begins.
bool holds(const abi::InputBlock& block, const io::Piece& record) {
  return block.offset <= record.begin && record.end <= end_of(block);
}

Status changed(const io::Piece& piece) {
  return {StatusCode::kCorruption, piece.path + " has other bytes at byte " +
                                       std::to_string(piece.begin) +
                                       " than the record that was put aside: it was changed"};
}

}  // namespace

io::ReadOptions read_options(const proto::JobSpec& spec) {
  io::ReadOptions options;
  options.format = spec.format;
  options.fixed_length = spec.fixed_length;
  options.csv_header = spec.csv_header;
  options.block_bytes = limits::kInputBlockBytes;
  options.record_bytes_max =
      spec.record_bytes_max != 0 ? spec.record_bytes_max : limits::kRecordBytes;
  return options;
}

class PieceSource::OneRecord final : public io::PieceReader {
 public:
  OneRecord(PieceSource& source, io::Piece piece) : source_(source), piece_(std::move(piece)) {}

  Result<std::optional<abi::InputBlock>> next() override {
    if (std::exchange(read_, true)) return std::optional<abi::InputBlock>();
    FANFOLD_ASSIGN_OR_RETURN(abi::InputBlock record, source_.find_block(piece_));
    if (!holds(record, piece_)) return changed(piece_);
    record.bytes = record.bytes.substr(piece_.begin - record.offset, piece_.end - piece_.begin);
    record.offset = piece_.begin;
    if (proto::record_version(hash(record.bytes)) != piece_.version) return changed(piece_);
    return std::optional<abi::InputBlock>(record);
  }

  std::uint64_t bytes_read() const override { return read_ ? piece_.end - piece_.begin : 0; }

 private:
  PieceSource& source_;
  const io::Piece piece_;
  bool read_ = false;
};

PieceSource::PieceSource(io::FileSystem& files, const proto::JobSpec& spec)
    : files_(files),
      options_(read_options(spec)),
      redrives_(proto::redriven_directory(spec).has_value()) {}

Result<std::unique_ptr<io::PieceReader>> PieceSource::open(const io::Piece& piece) {
  if (!redrives_) return io::open_piece(files_, piece, options_);
  return std::unique_ptr<io::PieceReader>(std::make_unique<OneRecord>(*this, piece));
}

/// All of a compressed file; of another one what begins where the record does.
Status PieceSource::open_file(const io::Piece& piece) {
  io::Piece part = piece;
  part.version.clear();
  if (part.compression != io::Compression::kNone) {
    FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo info, files_.stat(piece.path));
    part.begin = 0;
    part.end = info.size;
  }
  block_.reset();
  FANFOLD_ASSIGN_OR_RETURN(file_, io::open_piece(files_, part, options_));
  path_ = piece.path;
  tag_ = piece.tag;
  return {};
}

Result<abi::InputBlock> PieceSource::find_block(const io::Piece& piece) {
  const bool behind = piece.compression != io::Compression::kNone && file_ != nullptr &&
                      path_ == piece.path && tag_ == piece.tag &&
                      (!block_ || block_->offset <= piece.begin);
  if (!behind) FANFOLD_RETURN_IF_ERROR(open_file(piece));
  while (!block_ || (!holds(*block_, piece) && end_of(*block_) <= piece.begin)) {
    FANFOLD_ASSIGN_OR_RETURN(block_, file_->next());
    if (block_) continue;
    file_.reset();
    return changed(piece);
  }
  return *block_;
}

}  // namespace fanfold::worker
