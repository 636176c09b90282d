// The three ways to read a piece, behind open_piece(): text records that end at a line feed,
// records of one length, and whole files.

#pragma once

#include <memory>

#include "common/io/piece_reader.hpp"
#include "common/io/record_window.hpp"

namespace fanfold::io {

/// Bytes that a reader of text asks for beyond the end of its piece when its last record goes on
/// there.  Not before: a small file that ends with a line feed costs one read.
inline constexpr std::uint64_t kReadPastEnd = 4096;

/// `window` starts at the piece's start (for text: at the byte before, when there is one).
std::unique_ptr<PieceReader> make_line_reader(RecordWindow window, const Piece& piece,
                                              const ReadOptions& options);
/// `header` as in InputBlock; the window starts after it when the piece starts before its end.
std::unique_ptr<PieceReader> make_csv_reader(RecordWindow window, const Piece& piece,
                                             const ReadOptions& options, std::string header);
/// `window` starts at the first record that starts in the piece.
std::unique_ptr<PieceReader> make_fixed_reader(RecordWindow window, const Piece& piece,
                                               const ReadOptions& options);
std::unique_ptr<PieceReader> make_whole_file_reader(RecordWindow window, const Piece& piece,
                                                    const ReadOptions& options);

/// Takes the first record out of a window that starts at the start of a CSV file: its text without
/// the line end (and without a byte order mark).
Result<std::string> take_csv_header(RecordWindow& window, const Piece& piece,
                                    const ReadOptions& options);

/// "line longer than limit: ..."
Status record_too_long(const char* record, const std::string& path, std::uint64_t offset,
                       std::size_t limit);

}  // namespace fanfold::io
