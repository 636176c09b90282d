// Lines and CSV.  Per block: one read, one search backward for the last record's end.  What
// follows that end is carried to the front of the next block.

#include "common/core/check.hpp"
#include "common/io/piece_readers.hpp"
#include "common/io/record_rules.hpp"

namespace fanfold::io {
namespace {

template <class Rule>
class DelimitedReader final : public PieceReader {
 public:
  DelimitedReader(RecordWindow window, const Piece& piece, const ReadOptions& options,
                  std::string header)
      : window_(std::move(window)),
        piece_(piece),
        header_(std::move(header)),
        record_bytes_max_(options.record_bytes_max),
        end_(piece.compression == Compression::kNone ? piece.end : UINT64_MAX),
        read_to_(end_) {
    // A line and its line feed fit exactly, so a longer one never fits, wherever blocks begin.
    capacity_ = std::min(std::max<std::size_t>(options.block_bytes, 1), record_bytes_max_ + 1);
    if (end_ != UINT64_MAX) {
      const std::uint64_t whole = read_to_ - std::min(window_.offset(), end_);
      capacity_ = std::min<std::uint64_t>(capacity_, whole);
    }
    skipping_ = window_.offset() < piece_.begin;
    quoted_ = piece_.quoted_at_begin;
  }

  Result<std::optional<abi::InputBlock>> next() override {
    window_.drop_front(used_);
    used_ = 0;
    if (skipping_) FANFOLD_RETURN_IF_ERROR(skip_to_first_record());
    while (!done_ && window_.offset() < end_) {
      FANFOLD_RETURN_IF_ERROR(fill());
      FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, whole_records());
      if (count != 0) return block_of(count);
    }
    done_ = true;
    return std::optional<abi::InputBlock>();
  }

  std::uint64_t bytes_read() const override {
    if (piece_.compression != Compression::kNone) return window_.source().file_bytes_read();
    if (done_) return piece_.end - piece_.begin;
    return std::min(std::max(window_.offset() + used_, piece_.begin), piece_.end) - piece_.begin;
  }

 private:
  /// To `capacity_`, but not far beyond the end of the piece.
  Status fill() {
    std::size_t wanted = capacity_;
    if (read_to_ != UINT64_MAX) {
      const std::uint64_t left = read_to_ - std::min(read_to_, window_.offset());
      wanted = std::min<std::uint64_t>(capacity_, left);
    }
    return window_.fill(std::max(wanted, window_.size()));
  }

  /// How many bytes at the front of the window to hand out.  0: look again, there is more to read
  /// now; or, with done_, nothing is left.
  Result<std::size_t> whole_records() {
    const std::string_view bytes = window_.view();
    if (window_.data_end() >= end_) {
      const std::uint64_t last_byte = std::max(end_ - 1, window_.offset());
      const std::size_t end = Rule::first_end(bytes, last_byte - window_.offset());
      if (end != kNoEnd) {
        done_ = true;
        return end;
      }
    }
    const std::size_t end = Rule::last_end(bytes);
    if (window_.ended()) return rest_of_file(end);
    if (end != kNoEnd) return end;
    return ask_for_more();
  }

  Result<std::size_t> rest_of_file(std::size_t last_end) {
    done_ = true;
    const std::size_t finished = last_end == kNoEnd ? 0 : last_end;
    if (window_.source().cut_short()) return finished;
    const std::string_view last = window_.view().substr(finished);
    if (last.size() > record_bytes_max_) return too_long(window_.offset() + finished);
    if (Rule::open_quote(last)) {
      return Status(StatusCode::kCorruption,
                    piece_.path + ": the CSV record at byte " +
                        std::to_string(window_.offset() + finished) +
                        " has a quote that is never closed; close it, or double the quote if it "
                        "belongs to the text");
    }
    return window_.size();
  }

  Result<std::size_t> ask_for_more() {
    if (window_.size() >= capacity_) {
      if (window_.size() > record_bytes_max_) return too_long(window_.offset());
      capacity_ = std::min(window_.size() * 2, record_bytes_max_ + 1);
    }
    if (read_to_ != UINT64_MAX && window_.data_end() >= read_to_) {
      read_to_ += std::max<std::uint64_t>(kReadPastEnd, window_.size());
    }
    return std::size_t{0};
  }

  /// The window starts at the byte before the piece, somewhere in a record of an earlier piece, or
  /// at that record's line feed.
  Status skip_to_first_record() {
    skipping_ = false;
    FANFOLD_RETURN_IF_ERROR(fill());
    if (window_.size() != 0 && window_.view().front() == '"') quoted_ = !quoted_;
    while (true) {
      const std::size_t end = Rule::skip(window_.view(), quoted_);
      if (end != kNoEnd) {
        window_.drop_front(end);
        return Status();
      }
      // The line feed before a record of this piece is at end_ - 2 at the latest.
      done_ = window_.ended() || window_.data_end() + 1 >= end_;
      if (done_) return Status();
      window_.drop_front(window_.size());
      FANFOLD_RETURN_IF_ERROR(fill());
    }
  }

  std::optional<abi::InputBlock> block_of(std::size_t count) {
    used_ = count;
    abi::InputBlock block;
    block.bytes = window_.view().substr(0, count);
    block.offset = window_.offset();
    block.file = piece_.path;
    block.tag = piece_.tag;
    block.header = header_;
    return block;
  }

  Status too_long(std::uint64_t offset) const {
    return record_too_long(Rule::kRecord, piece_.path, offset, record_bytes_max_);
  }

  RecordWindow window_;
  const Piece piece_;
  const std::string header_;
  const std::size_t record_bytes_max_;
  const std::uint64_t end_;  // Records that start here or later belong to others.
  std::uint64_t read_to_;    // Grows when the last record turns out to be long.
  std::size_t capacity_;     // Of the window; grows when a record does not fit.
  std::size_t used_ = 0;     // Front of the window: handed out by the last next().
  bool skipping_;
  bool quoted_;
  bool done_ = false;
};

}  // namespace

Status record_too_long(const char* record, const std::string& path, std::uint64_t offset,
                       std::size_t limit) {
  return Status(StatusCode::kExhausted, std::string(record) +
                                            " longer than limit: the one at byte " +
                                            std::to_string(offset) + " of " + path +
                                            " has more than " + std::to_string(limit) +
                                            " bytes; raise the record limit of the job, or choose "
                                            "another record format");
}

std::unique_ptr<PieceReader> make_line_reader(RecordWindow window, const Piece& piece,
                                              const ReadOptions& options) {
  return std::make_unique<DelimitedReader<LineRule>>(std::move(window), piece, options, "");
}

std::unique_ptr<PieceReader> make_csv_reader(RecordWindow window, const Piece& piece,
                                             const ReadOptions& options, std::string header) {
  return std::make_unique<DelimitedReader<CsvRule>>(std::move(window), piece, options,
                                                    std::move(header));
}

Result<std::string> take_csv_header(RecordWindow& window, const Piece& piece,
                                    const ReadOptions& options) {
  std::size_t end = CsvRule::first_end(window.view(), 0);
  for (std::size_t wanted = window.size() + kReadPastEnd; end == kNoEnd && !window.ended();
       wanted *= 2) {
    if (window.size() > options.record_bytes_max) {
      return record_too_long(CsvRule::kRecord, piece.path, 0, options.record_bytes_max);
    }
    FANFOLD_RETURN_IF_ERROR(window.fill(std::min(wanted, options.record_bytes_max + 1)));
    end = CsvRule::first_end(window.view(), 0);
  }
  if (end == kNoEnd && CsvRule::open_quote(window.view())) {
    return Status(StatusCode::kCorruption,
                  piece.path + ": the CSV header has a quote that is never closed");
  }
  end = std::min(end, window.size());
  std::string header(window.view().substr(0, end));
  window.drop_front(end);
  if (header.starts_with("\xef\xbb\xbf")) header.erase(0, 3);
  if (header.ends_with('\n')) header.pop_back();
  if (header.ends_with('\r')) header.pop_back();
  return header;
}

}  // namespace fanfold::io
