// A segment of a run as the plugin boundary wants it: blocks, and failures noted by the host.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/io/file_system.hpp"
#include "common/io/run_file.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::worker {

/// Opens its file at the first next() and closes it at the end, so that a merge of many segments
/// holds open no more than those it is reading.
class SegmentSource final : public abi::RunSource {
 public:
  /// Must not return.
  using OnFailure = std::function<void(const Status&)>;
  /// Without a segment, the one of `partition` is looked up in the file's index.  The stored bytes
  /// are added to `bytes_read` as they are read; it may be null.
  SegmentSource(io::FileSystem& files, std::string path, std::uint32_t partition,
                std::optional<io::Segment> segment, OnFailure on_failure,
                std::atomic<std::uint64_t>* bytes_read = nullptr);
  std::string_view next() override;

 private:
  Status open();
  void count();

  io::FileSystem& files_;
  const std::string path_;
  const std::uint32_t partition_;
  std::optional<io::Segment> segment_;
  const OnFailure on_failure_;
  std::atomic<std::uint64_t>* const bytes_read_;
  std::uint64_t counted_ = 0;
  bool opened_ = false;
  std::unique_ptr<io::SegmentReader> reader_;
};

}  // namespace fanfold::worker
