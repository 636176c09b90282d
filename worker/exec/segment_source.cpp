#include "worker/exec/segment_source.hpp"

namespace fanfold::worker {

SegmentSource::SegmentSource(io::FileSystem& files, std::string path, std::uint32_t partition,
                             std::optional<io::Segment> segment, OnFailure on_failure,
                             std::atomic<std::uint64_t>* bytes_read)
    : files_(files),
      path_(std::move(path)),
      partition_(partition),
      segment_(std::move(segment)),
      on_failure_(std::move(on_failure)),
      bytes_read_(bytes_read) {}

Status SegmentSource::open() {
  opened_ = true;
  if (!segment_) {
    FANFOLD_ASSIGN_OR_RETURN(segment_, io::find_segment(files_, path_, partition_));
  }
  if (segment_->summary.records == 0) return {};
  FANFOLD_ASSIGN_OR_RETURN(reader_, io::open_segment(files_, path_, *segment_));
  return {};
}

std::string_view SegmentSource::next() {
  if (!opened_) {
    if (const Status status = open(); !status.ok()) on_failure_(status);
  }
  if (!reader_) return {};
  const Result<std::string_view> block = reader_->next();
  if (!block.ok()) on_failure_(block.status());
  if (bytes_read_ != nullptr) count();
  if (block->empty()) reader_.reset();
  return *block;
}

void SegmentSource::count() {
  const std::uint64_t now = reader_->bytes_read();
  bytes_read_->fetch_add(now - counted_, std::memory_order_relaxed);
  counted_ = now;
}

}  // namespace fanfold::worker
