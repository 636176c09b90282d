// Bytes that are about to be overwritten: a buffer that is never filled with zeros first.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace fanfold::io {

class Buffer {
 public:
  explicit Buffer(std::size_t capacity = 0) { grow(capacity); }

  char* data() { return data_.get(); }
  const char* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  std::size_t room() const { return capacity_ - size_; }
  char* end() { return data_.get() + size_; }
  std::string_view view() const { return {data_.get(), size_}; }

  /// `count` bytes have been written at end().
  void extend(std::size_t count) { size_ += count; }
  void clear() { size_ = 0; }

  void drop_front(std::size_t count) {
    if (count == 0) return;
    std::memmove(data_.get(), data_.get() + count, size_ - count);
    size_ -= count;
  }

  /// Keeps the contents.
  void grow(std::size_t capacity) {
    if (capacity <= capacity_) return;
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = capacity;
  }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace fanfold::io
