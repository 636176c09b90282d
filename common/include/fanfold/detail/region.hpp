// One stretch of addresses, given out from its front and taken back all at once.  Addresses only
// ascend, so of two pieces the one with the lower address was asked for first.  A thread keeps the
// stretch of one task for its next one: pages that have been touched once need not be cleared by
// the system again, which costs more than all that a task writes to them.

#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "fanfold/detail/arena.hpp"

namespace fanfold::detail {

class Region {
 public:
  Region() = default;
  /// Reserves addresses; memory comes as it is used.
  explicit Region(std::size_t capacity) {
    reserved_ = round_up(capacity) + kHugePageBytes;
    mapping_ =
        ::mmap(nullptr, reserved_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping_ == MAP_FAILED) {
      mapping_ = nullptr;
      throw std::bad_alloc();
    }
    begin_ = reinterpret_cast<char*>(round_up(reinterpret_cast<std::uintptr_t>(mapping_)));
    at_ = ready_ = begin_;
    end_ = begin_ + round_up(capacity);
  }
  Region(Region&& other) noexcept { swap(other); }
  Region& operator=(Region&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Region() {
    if (mapping_ != nullptr) ::munmap(mapping_, reserved_);
  }

  char* allocate(std::size_t bytes) {
    if (static_cast<std::size_t>(ready_ - at_) < bytes) make_ready(bytes);
    return std::exchange(at_, at_ + bytes);
  }
  std::size_t used() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t capacity() const { return static_cast<std::size_t>(end_ - begin_); }
  char* begin() const { return begin_; }
  /// Forgets everything and keeps the memory.
  void rewind() { at_ = begin_; }

  /// The region that this thread's last task left, or a new one.
  static Region take(std::size_t capacity) {
    Region& shelf = kept();
    if (shelf.capacity() < capacity || shelf.capacity() > 2 * capacity) shelf = Region();
    if (shelf.mapping_ == nullptr) return Region(capacity);
    return std::move(shelf);
  }
  /// Leaves it to this thread's next task.
  static void keep(Region region) {
    region.rewind();
    kept() = std::move(region);
  }
  static void drop_kept() { Region last = std::move(kept()); }

 private:
  /// Small jobs do not pay for a huge page; large ones do not pay for many calls.
  static constexpr std::size_t kFirstStep = 256u << 10;
  static constexpr std::size_t kLargestStep = 16u << 20;

  static Region& kept() {
    thread_local Region region;
    return region;
  }

  [[gnu::noinline]] void make_ready(std::size_t bytes) {
    const auto before = static_cast<std::size_t>(ready_ - begin_);
    std::size_t step = before < kFirstStep ? kFirstStep : before;
    if (step > kLargestStep) step = kLargestStep;
    std::size_t wanted = before + step;
    const std::size_t needed = used() + bytes;
    if (wanted < needed) wanted = needed;
    if (wanted > kFirstStep) wanted = round_up(wanted);
    if (wanted > capacity()) wanted = capacity();
    if (wanted < needed || ::mprotect(begin_, wanted, PROT_READ | PROT_WRITE) != 0) {
      throw std::bad_alloc();
    }
    if (wanted >= kHugePageBytes) {
      ::madvise(begin_ + before, wanted - before, MADV_HUGEPAGE);
    }
    ready_ = begin_ + wanted;
  }

  static constexpr std::uintptr_t round_up(std::uintptr_t bytes) {
    return (bytes + kHugePageBytes - 1) & ~std::uintptr_t{kHugePageBytes - 1};
  }
  void swap(Region& other) {
    std::swap(mapping_, other.mapping_);
    std::swap(reserved_, other.reserved_);
    std::swap(begin_, other.begin_);
    std::swap(at_, other.at_);
    std::swap(ready_, other.ready_);
    std::swap(end_, other.end_);
  }

  void* mapping_ = nullptr;
  std::size_t reserved_ = 0;
  char* begin_ = nullptr;
  char* at_ = nullptr;
  char* ready_ = nullptr;  // Up to here memory may be touched.
  char* end_ = nullptr;
};

}  // namespace fanfold::detail
