#include "worker/shuffle/segment_store.hpp"

#include <algorithm>
#include <utility>

#include "common/core/limits.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::worker {
namespace {

/// Segments whose file is kept open: one for each task that fetches from us, with some to spare.
constexpr std::size_t kOpenSegmentsMax = 64;

}  // namespace

proto::Chunk SegmentStore::answer(const proto::FetchSegment& wanted) {
  proto::Chunk chunk;
  chunk.request = wanted.request;
  chunk.offset = wanted.offset;
  if (Status status = fill(wanted, &chunk); !status.ok()) {
    chunk.code = static_cast<std::uint8_t>(status.code());
    chunk.message = status.message();
    chunk.bytes.clear();
  }
  chunk.checksum = hash(chunk.bytes);
  return chunk;
}

Status SegmentStore::fill(const proto::FetchSegment& wanted, proto::Chunk* chunk) {
  FANFOLD_ASSIGN_OR_RETURN(OpenSegment * open, find(wanted));
  chunk->segment = open->segment;
  const std::uint64_t stored = open->segment.stored_bytes;
  if (wanted.offset > stored) {
    return Status(StatusCode::kInvalidArgument, "byte " + std::to_string(wanted.offset) +
                                                    " was asked of a segment of " +
                                                    std::to_string(stored) + " bytes");
  }
  const std::uint64_t most = std::min<std::uint64_t>(wanted.length, limits::kDataChunkBytes);
  const auto length = static_cast<std::size_t>(std::min(most, stored - wanted.offset));
  if (length == 0) return {};
  chunk->bytes.resize(length);
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t got,
                           open->file->read_at(open->segment.offset + wanted.offset, chunk->bytes));
  if (got != length) return Status(StatusCode::kCorruption, "the map output is cut short");
  return {};
}

Result<SegmentStore::OpenSegment*> SegmentStore::find(const proto::FetchSegment& wanted) {
  const auto known = std::find_if(open_.begin(), open_.end(), [&wanted](const OpenSegment& open) {
    return open.is_for(wanted);
  });
  if (known != open_.end()) {
    open_.splice(open_.begin(), open_, known);
    return &open_.front();
  }
  const std::string path = scratch_ + "/" + std::to_string(wanted.job.value) + "/" +
                           std::to_string(wanted.attempt.value) + "/output.run";
  OpenSegment open;
  open.job = wanted.job;
  open.attempt = wanted.attempt;
  open.partition = wanted.partition;
  FANFOLD_ASSIGN_OR_RETURN(open.segment, io::find_segment(files_, path, wanted.partition));
  if (open.segment.stored_bytes > 0) {
    FANFOLD_ASSIGN_OR_RETURN(open.file, files_.open(path));
  }
  if (open_.size() == kOpenSegmentsMax) open_.pop_back();
  open_.push_front(std::move(open));
  return &open_.front();
}

}  // namespace fanfold::worker
