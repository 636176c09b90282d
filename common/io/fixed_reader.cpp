// Records of one length, and files that are one record.

#include "common/core/check.hpp"
#include "common/io/piece_readers.hpp"

namespace fanfold::io {
namespace {

abi::InputBlock describe(const RecordWindow& window, const Piece& piece, std::size_t count) {
  abi::InputBlock block;
  block.bytes = window.view().substr(0, count);
  block.offset = window.offset();
  block.file = piece.path;
  block.tag = piece.tag;
  return block;
}

class FixedReader final : public PieceReader {
 public:
  FixedReader(RecordWindow window, const Piece& piece, const ReadOptions& options)
      : window_(std::move(window)),
        piece_(piece),
        length_(options.fixed_length),
        block_(std::max<std::uint64_t>(options.block_bytes / length_, 1) * length_),
        end_(piece.compression == Compression::kNone ? piece.end : UINT64_MAX) {}

  Result<std::optional<abi::InputBlock>> next() override {
    window_.drop_front(used_);
    used_ = 0;
    if (window_.offset() >= end_) return std::optional<abi::InputBlock>();
    std::size_t wanted = block_;
    if (end_ != UINT64_MAX) {
      // Up to the end of the last record that starts in the piece.
      const std::uint64_t records = (end_ - window_.offset() + length_ - 1) / length_;
      wanted = std::min<std::uint64_t>(block_, records * length_);
    }
    FANFOLD_RETURN_IF_ERROR(window_.fill(std::max(wanted, window_.size())));
    used_ = std::min(wanted, window_.size()) / length_ * length_;
    if (used_ != 0) return std::optional(describe(window_, piece_, used_));
    if (window_.size() != 0 && !window_.source().cut_short()) return incomplete();
    return std::optional<abi::InputBlock>();
  }

  std::uint64_t bytes_read() const override {
    if (piece_.compression != Compression::kNone) return window_.source().file_bytes_read();
    return std::min(std::max(window_.offset() + used_, piece_.begin), piece_.end) - piece_.begin;
  }

 private:
  Status incomplete() const {
    return Status(StatusCode::kCorruption,
                  piece_.path + ": the record at byte " + std::to_string(window_.offset()) +
                      " has only " + std::to_string(window_.size()) + " of " +
                      std::to_string(length_) +
                      " bytes; is the record length right, and the file complete?");
  }

  RecordWindow window_;
  const Piece piece_;
  const std::uint64_t length_;
  const std::size_t block_;
  const std::uint64_t end_;
  std::size_t used_ = 0;
};

class WholeFileReader final : public PieceReader {
 public:
  WholeFileReader(RecordWindow window, const Piece& piece, const ReadOptions& options)
      : window_(std::move(window)), piece_(piece), limit_(options.record_bytes_max) {}

  Result<std::optional<abi::InputBlock>> next() override {
    // The one record starts at byte 0, so it belongs to the piece that does.
    if (done_ || piece_.begin != 0) return std::optional<abi::InputBlock>();
    done_ = true;
    const bool plain = piece_.compression == Compression::kNone;
    // One byte more than expected, so that one read sees the end.
    std::uint64_t wanted = plain ? piece_.end + 1 : kFirstBytes;
    while (!window_.ended()) {
      if (window_.size() > limit_) return record_too_long("file", piece_.path, 0, limit_);
      FANFOLD_RETURN_IF_ERROR(window_.fill(std::min<std::uint64_t>(wanted, limit_ + 1)));
      wanted = window_.size() * 2 + 1;
    }
    if (window_.size() > limit_) return record_too_long("file", piece_.path, 0, limit_);
    return std::optional(describe(window_, piece_, window_.size()));
  }

  std::uint64_t bytes_read() const override {
    return done_ ? window_.source().file_bytes_read() : 0;
  }

 private:
  static constexpr std::uint64_t kFirstBytes = 64u << 10;

  RecordWindow window_;
  const Piece piece_;
  const std::size_t limit_;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<PieceReader> make_fixed_reader(RecordWindow window, const Piece& piece,
                                               const ReadOptions& options) {
  FANFOLD_CHECK(options.fixed_length != 0);
  return std::make_unique<FixedReader>(std::move(window), piece, options);
}

std::unique_ptr<PieceReader> make_whole_file_reader(RecordWindow window, const Piece& piece,
                                                    const ReadOptions& options) {
  return std::make_unique<WholeFileReader>(std::move(window), piece, options);
}

}  // namespace fanfold::io
