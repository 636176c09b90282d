#include "common/io/run_format.hpp"

#include <lz4.h>
#include <xxhash.h>

#include <cstring>

#include "common/io/little_endian.hpp"

namespace fanfold::io {
namespace {

constexpr std::uint64_t kMagic = 0x314e5552464e4146;  // "FANFRUN1" on disk.
constexpr std::uint32_t kVersion = 1;

}  // namespace

std::uint64_t checksum_of_block(std::uint32_t raw_bytes, std::string_view stored) {
  const std::uint64_t seed = static_cast<std::uint64_t>(raw_bytes) << 32 | stored.size();
  return XXH3_64bits_withSeed(stored.data(), stored.size(), seed);
}

void encode_block_header(const BlockHeader& header, char* to) {
  store(to, header.raw_bytes);
  store(to + 4, header.stored_bytes);
  store(to + 8, header.checksum);
}

std::optional<BlockHeader> decode_block_header(const char* from) {
  BlockHeader header;
  header.raw_bytes = load<std::uint32_t>(from);
  header.stored_bytes = load<std::uint32_t>(from + 4);
  header.checksum = load<std::uint64_t>(from + 8);
  if (header.raw_bytes == 0 || header.raw_bytes > kRawBlockBytesMax) return std::nullopt;
  if (header.stored_bytes == 0 || header.stored_bytes > header.raw_bytes) return std::nullopt;
  // LZ4 cannot do better than 255 to 1, so a larger claim is damage and not worth the memory.
  if (header.raw_bytes / 255 > header.stored_bytes) return std::nullopt;
  return header;
}

bool decompress_block(std::string_view stored, std::uint32_t raw_bytes, char* to) {
  const int size = LZ4_decompress_safe(stored.data(), to, static_cast<int>(stored.size()),
                                       static_cast<int>(raw_bytes));
  return size >= 0 && static_cast<std::uint32_t>(size) == raw_bytes;
}

std::optional<StoredBlock> take_block(std::string_view* blocks) {
  if (blocks->size() < kBlockHeaderBytes) return std::nullopt;
  const auto header = decode_block_header(blocks->data());
  if (!header || header->stored_bytes > blocks->size() - kBlockHeaderBytes) return std::nullopt;
  const StoredBlock block{header->raw_bytes,
                          blocks->substr(kBlockHeaderBytes, header->stored_bytes)};
  if (checksum_of_block(block.raw_bytes, block.stored) != header->checksum) return std::nullopt;
  blocks->remove_prefix(kBlockHeaderBytes + header->stored_bytes);
  return block;
}

bool unpack_block(const StoredBlock& block, char* to) {
  if (block.stored.size() != block.raw_bytes) {
    return decompress_block(block.stored, block.raw_bytes, to);
  }
  std::memcpy(to, block.stored.data(), block.stored.size());
  return true;
}

void encode_index_entry(const Segment& segment, std::uint32_t position, char* to) {
  store(to, segment.partition);
  store(to + 4, segment.largest_block);
  store(to + 8, segment.offset);
  store(to + 16, segment.stored_bytes);
  store(to + 24, segment.raw_bytes);
  store(to + 32, segment.summary.records);
  store(to + 40, segment.summary.sum);
  store(to + 48, segment.summary.exclusive_or);
  store(to + 56, static_cast<std::uint64_t>(XXH3_64bits_withSeed(to, 56, position)));
}

std::optional<Segment> decode_index_entry(const char* from, std::uint32_t position,
                                          const Footer& footer) {
  if (XXH3_64bits_withSeed(from, 56, position) != load<std::uint64_t>(from + 56)) {
    return std::nullopt;
  }
  Segment segment;
  segment.partition = load<std::uint32_t>(from);
  segment.largest_block = load<std::uint32_t>(from + 4);
  segment.offset = load<std::uint64_t>(from + 8);
  segment.stored_bytes = load<std::uint64_t>(from + 16);
  segment.raw_bytes = load<std::uint64_t>(from + 24);
  segment.summary.records = load<std::uint64_t>(from + 32);
  segment.summary.sum = load<std::uint64_t>(from + 40);
  segment.summary.exclusive_or = load<std::uint64_t>(from + 48);
  const bool within = segment.offset <= footer.data_bytes &&
                      segment.stored_bytes <= footer.data_bytes - segment.offset;
  if (!within || segment.partition >= limits::kPartitions) return std::nullopt;
  if (segment.largest_block > kRawBlockBytesMax) return std::nullopt;
  return segment;
}

void encode_footer(const Footer& footer, char* to) {
  store(to, footer.data_bytes);
  store(to + 8, footer.entries);
  store(to + 12, kVersion);
  store(to + 16, static_cast<std::uint64_t>(XXH3_64bits(to, 16)));
  store(to + 24, kMagic);
}

std::optional<Footer> decode_footer(const char* from, std::uint64_t file_bytes) {
  if (load<std::uint64_t>(from + 24) != kMagic) return std::nullopt;
  if (load<std::uint64_t>(from + 16) != XXH3_64bits(from, 16)) return std::nullopt;
  if (load<std::uint32_t>(from + 12) != kVersion) return std::nullopt;
  Footer footer;
  footer.data_bytes = load<std::uint64_t>(from);
  footer.entries = load<std::uint32_t>(from + 8);
  if (footer.entries > limits::kPartitions || footer.data_bytes > file_bytes) return std::nullopt;
  const std::uint64_t index_bytes = std::uint64_t{footer.entries} * kIndexEntryBytes;
  if (file_bytes - footer.data_bytes != index_bytes + kFooterBytes) return std::nullopt;
  return footer;
}

}  // namespace fanfold::io
