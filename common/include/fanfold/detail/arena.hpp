// Memory in large pieces: from the system in one go, with huge pages where that pays, reused until
// the task ends and never freed piece by piece.

#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace fanfold::detail {

inline constexpr std::size_t kHugePageBytes = 2u << 20;

/// A block of zeroed pages.
class Pages {
 public:
  Pages() = default;
  explicit Pages(std::size_t bytes) : size_(bytes) {
    if (bytes == 0) return;
    // Over-allocate to begin at a huge page; what is not touched costs nothing.
    mapped_size_ = bytes >= kHugePageBytes ? round_up(bytes) + kHugePageBytes : bytes;
    mapped_ =
        ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) {
      mapped_ = nullptr;
      throw std::bad_alloc();
    }
    auto begin = reinterpret_cast<std::uintptr_t>(mapped_);
    if (bytes >= kHugePageBytes) {
      begin = round_up(begin);
      ::madvise(reinterpret_cast<void*>(begin), round_up(bytes), MADV_HUGEPAGE);
    }
    data_ = reinterpret_cast<char*>(begin);
  }
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Pages() {
    if (mapped_ != nullptr) ::munmap(mapped_, mapped_size_);
  }

  char* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  static std::size_t round_up(std::size_t bytes) {
    return (bytes + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
  }
  void swap(Pages& other) {
    std::swap(mapped_, other.mapped_);
    std::swap(mapped_size_, other.mapped_size_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  void* mapped_ = nullptr;
  std::size_t mapped_size_ = 0;
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Bytes that stay where they are until rewind().  Starts small and grows in doubling pieces.
class Arena {
 public:
  char* allocate(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes) next_piece(bytes);
    used_ += bytes;
    return std::exchange(at_, at_ + bytes);
  }
  char* allocate_aligned(std::size_t bytes, std::size_t alignment) {
    const std::size_t skip =
        -reinterpret_cast<std::uintptr_t>(at_) & static_cast<std::uintptr_t>(alignment - 1);
    if (static_cast<std::size_t>(end_ - at_) < bytes + skip) {
      next_piece(bytes);  // Pieces begin at pages.
    } else {
      at_ += skip;
      used_ += skip;
    }
    return allocate(bytes);
  }
  const char* copy(std::string_view bytes) {
    char* to = allocate(bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    return to;
  }

  /// Bytes given out since the last rewind().
  std::size_t used() const { return used_; }
  /// Forgets everything and keeps the memory.
  void rewind() {
    used_ = 0;
    piece_ = 0;
    at_ = end_ = nullptr;
  }

 private:
  static constexpr std::size_t kFirstPiece = 64u << 10;
  static constexpr std::size_t kLargestPiece = 8u << 20;

  [[gnu::noinline]] void next_piece(std::size_t bytes) {
    while (piece_ < pieces_.size() && pieces_[piece_].size() < bytes) ++piece_;
    if (piece_ == pieces_.size()) {
      std::size_t size = pieces_.empty() ? kFirstPiece : pieces_.back().size() * 2;
      if (size > kLargestPiece) size = kLargestPiece;
      pieces_.emplace_back(size < bytes ? bytes : size);
    }
    at_ = pieces_[piece_].data();
    end_ = at_ + pieces_[piece_].size();
    ++piece_;
  }

  std::vector<Pages> pieces_;
  std::size_t piece_ = 0;  // The next one to use.
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace fanfold::detail
