#include "worker/exec/segment_source.hpp"

namespace fanfold::worker {

SegmentSource::SegmentSource(io::FileSystem& files, std::string path, std::uint32_t partition,
                             std::optional<io::Segment> segment, OnFailure on_failure)
    : files_(files),
      path_(std::move(path)),
      partition_(partition),
      segment_(std::move(segment)),
      on_failure_(std::move(on_failure)) {}

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
  if (block->empty()) reader_.reset();
  return *block;
}

}  // namespace fanfold::worker
