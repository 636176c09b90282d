// The bytes of a run file: blocks, index entries, footer (picture in docs/disk_format.md).
// Turns structs into bytes and back, checking every field; reads and writes no files.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/core/limits.hpp"
#include "common/io/run_file.hpp"

namespace fanfold::io {

inline constexpr std::size_t kBlockHeaderBytes = 16;
inline constexpr std::size_t kIndexEntryBytes = 64;
inline constexpr std::size_t kFooterBytes = 32;
/// Blocks are cut at kRunBlockBytes, so only a single large record makes a larger one.
inline constexpr std::size_t kRawBlockBytesMax = limits::kRecordBytes + limits::kRunBlockBytes;

struct BlockHeader {
  std::uint32_t raw_bytes = 0;
  std::uint32_t stored_bytes = 0;  // Equal to raw_bytes: stored as it is.  Less: LZ4.
  std::uint64_t checksum = 0;      // XXH3-64 of the stored bytes, seeded with the two sizes.
};

struct Footer {
  std::uint64_t data_bytes = 0;  // Of all blocks: where the index begins.
  std::uint32_t entries = 0;
};

std::uint64_t checksum_of_block(std::uint32_t raw_bytes, std::string_view stored);

void encode_block_header(const BlockHeader& header, char* to);
/// nullopt: sizes that no writer produces.
std::optional<BlockHeader> decode_block_header(const char* from);

/// LZ4: fills `to` with so many bytes.  False: `stored` holds something else.
bool decompress_block(std::string_view stored, std::uint32_t raw_bytes, char* to);

/// One block, as it lies in a file.
struct StoredBlock {
  std::uint32_t raw_bytes = 0;
  std::string_view stored;
};
/// Takes the first block off whole blocks.  nullopt: there is none with the right checksum.
std::optional<StoredBlock> take_block(std::string_view* blocks);
/// Fills `to` with the raw bytes.  False: they do not decompress.
bool unpack_block(const StoredBlock& block, char* to);

/// `position` is the entry's place in the index: its checksum covers it.
void encode_index_entry(const Segment& segment, std::uint32_t position, char* to);
std::optional<Segment> decode_index_entry(const char* from, std::uint32_t position,
                                          const Footer& footer);

void encode_footer(const Footer& footer, char* to);
/// nullopt: not a finished run file of `file_bytes` bytes.
std::optional<Footer> decode_footer(const char* from, std::uint64_t file_bytes);

}  // namespace fanfold::io
