// The compressed bytes of a file, a buffer at a time: what the three decompressors have in common.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "common/core/status.hpp"
#include "common/io/buffer.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::io {

class CompressedInput {
 public:
  CompressedInput(std::unique_ptr<ReadableFile> file, std::string path, std::uint64_t size,
                  std::uint64_t end)
      : file_(std::move(file)), path_(std::move(path)), size_(size), end_(std::min(end, size)) {
    file_->will_read(0, end_);
  }

  /// Bytes that are read but not consumed; call fill() when empty.
  std::string_view unused() const { return buffer_.view().substr(used_); }
  void consume(std::size_t count) { used_ += count; }
  std::uint64_t position() const { return offset_ - (buffer_.size() - used_); }
  bool at_end() const { return used_ == buffer_.size() && offset_ == end_; }
  bool cut_short() const { return end_ < size_; }

  /// After it unused() is empty only at the end.
  Status fill() {
    if (used_ != buffer_.size() || offset_ == end_) return Status();
    buffer_.clear();
    used_ = 0;
    const std::size_t amount = std::min<std::uint64_t>(kBytes, end_ - offset_);
    buffer_.grow(amount);
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count,
                             file_->read_at(offset_, {buffer_.data(), amount}));
    if (count == 0) {
      return Status(StatusCode::kCorruption, path_ + " shrank while it was being read");
    }
    buffer_.extend(count);
    offset_ += count;
    return Status();
  }

  /// "/data/x.gz: damaged gzip data near byte 123: <why>; <what to do>"
  Status damaged(const char* kind, const std::string& why) const {
    return Status(StatusCode::kCorruption, path_ + ": damaged " + kind + " data near byte " +
                                               std::to_string(position()) + ": " + why +
                                               "; copy the file again, or leave it out");
  }
  Status truncated(const char* kind, const char* test) const {
    return Status(StatusCode::kCorruption,
                  path_ + ": the " + kind + " data stops in the middle, at byte " +
                      std::to_string(position()) + ", the file's end: it was not copied " +
                      "completely; copy it again and check it with `" + test + "`");
  }

 private:
  static constexpr std::size_t kBytes = 256u << 10;

  std::unique_ptr<ReadableFile> file_;
  std::string path_;
  std::uint64_t size_;
  std::uint64_t end_;
  std::uint64_t offset_ = 0;  // Of the next byte to read.
  Buffer buffer_;
  std::size_t used_ = 0;
};

}  // namespace fanfold::io
