// What the tests of piece readers share: an oracle that finds records one byte at a time, and a
// way to read a piece to its end.

#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "common/io/piece_reader.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::io {

struct Record {
  std::uint64_t offset = 0;
  std::string bytes;  // With its line end.
};

/// Byte by byte, as the format is described: the oracle.
inline std::vector<Record> records_of(const std::string& contents, const ReadOptions& options) {
  std::vector<Record> records;
  if (options.format == abi::RecordFormat::kFixed) {
    for (std::size_t at = 0; at < contents.size(); at += options.fixed_length) {
      records.push_back({at, contents.substr(at, options.fixed_length)});
    }
    return records;
  }
  const bool csv = options.format == abi::RecordFormat::kCsv;
  bool quoted = false;
  Record record;
  for (std::size_t at = 0; at < contents.size(); ++at) {
    record.bytes.push_back(contents[at]);
    if (csv && contents[at] == '"') quoted = !quoted;
    if (contents[at] != '\n' || quoted) continue;
    records.push_back(record);
    record = Record{at + 1, ""};
  }
  if (!record.bytes.empty()) records.push_back(record);
  if (csv && options.csv_header && !records.empty()) records.erase(records.begin());
  return records;
}

struct PieceRead {
  Status status;
  std::string bytes;
  std::vector<Record> blocks;
  std::vector<std::string> headers;
  std::uint64_t bytes_read = 0;
};

inline PieceRead read_piece(const Piece& piece, const ReadOptions& options) {
  PieceRead result;
  auto reader = open_piece(posix_file_system(), piece, options);
  if (!reader.ok()) {
    result.status = reader.status();
    return result;
  }
  while (true) {
    auto block = (*reader)->next();
    if (!block.ok()) {
      result.status = block.status();
      return result;
    }
    if (!block->has_value()) break;
    EXPECT_EQ((*block)->file, piece.path);
    EXPECT_EQ((*block)->tag, piece.tag);
    result.blocks.push_back({(*block)->offset, std::string((*block)->bytes)});
    result.headers.emplace_back((*block)->header);
    result.bytes += (*block)->bytes;
  }
  result.bytes_read = (*reader)->bytes_read();
  return result;
}

/// The pieces of a file that is cut every `size` bytes; quotes counted for CSV.
inline std::vector<Piece> cut(const std::string& path, const std::string& contents,
                              std::size_t size) {
  std::vector<Piece> pieces;
  for (std::size_t begin = 0; begin < contents.size(); begin += size) {
    Piece piece;
    piece.path = path;
    piece.begin = begin;
    piece.end = std::min(begin + size, contents.size());
    const auto quotes =
        std::count(contents.begin(), contents.begin() + static_cast<long>(begin), '"');
    piece.quoted_at_begin = quotes % 2 != 0;
    pieces.push_back(piece);
  }
  return pieces;
}

/// Records of `records` that start in the piece, joined.
inline std::string expected_bytes(const std::vector<Record>& records, const Piece& piece) {
  std::string bytes;
  for (const Record& record : records) {
    if (record.offset >= piece.begin && record.offset < piece.end) bytes += record.bytes;
  }
  return bytes;
}

/// Every block starts and ends where a record does.
inline void expect_whole_records(const PieceRead& read, const std::vector<Record>& records) {
  for (const Record& block : read.blocks) {
    bool starts = false;
    bool ends = false;
    for (const Record& record : records) {
      starts |= record.offset == block.offset;
      ends |= record.offset + record.bytes.size() == block.offset + block.bytes.size();
    }
    EXPECT_TRUE(starts && ends) << "block at " << block.offset << ": " << block.bytes;
  }
}

/// At most `size` characters of `alphabet`.
inline std::string random_text(std::mt19937_64& random, std::string_view alphabet,
                               std::size_t size) {
  std::string text(random() % (size + 1), '\0');
  for (char& character : text) character = alphabet[random() % alphabet.size()];
  return text;
}

}  // namespace fanfold::io
