// A movable window over a byte source: what has been read and not yet given away, and where in
// the (decompressed) file it lies.

#pragma once

#include <cstdint>
#include <memory>

#include "common/core/status.hpp"
#include "common/io/buffer.hpp"
#include "common/io/byte_source.hpp"

namespace fanfold::io {

class RecordWindow {
 public:
  RecordWindow(std::unique_ptr<ByteSource> source, std::uint64_t offset)
      : source_(std::move(source)), offset_(offset) {}

  std::string_view view() const { return buffer_.view(); }
  std::size_t size() const { return buffer_.size(); }
  std::uint64_t offset() const { return offset_; }
  std::uint64_t data_end() const { return offset_ + buffer_.size(); }
  /// Nothing follows the window.
  bool ended() const { return ended_; }
  const ByteSource& source() const { return *source_; }

  void drop_front(std::size_t count) {
    buffer_.drop_front(count);
    offset_ += count;
  }

  /// Reads on until the window holds `size` bytes or the source ends.
  Status fill(std::size_t size) {
    buffer_.grow(size);
    while (buffer_.size() < size && !ended_) {
      FANFOLD_ASSIGN_OR_RETURN(const std::size_t count,
                               source_->read({buffer_.end(), size - buffer_.size()}));
      buffer_.extend(count);
      ended_ = count == 0;
    }
    return Status();
  }

 private:
  std::unique_ptr<ByteSource> source_;
  std::uint64_t offset_;
  Buffer buffer_;
  bool ended_ = false;
};

}  // namespace fanfold::io
