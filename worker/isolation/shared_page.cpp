#include "worker/isolation/shared_page.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace fanfold::worker {
namespace {

Status cannot(const char* what) {
  return {StatusCode::kUnavailable, std::string("cannot ") + what + ": " + std::strerror(errno)};
}

void* map(int descriptor) {
  return ::mmap(nullptr, sizeof(SharedPage), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
}

}  // namespace

Result<SharedMapping> SharedMapping::create() {
  UniqueFd descriptor(::memfd_create("fanfold-executor", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!descriptor.open()) return cannot("make shared memory");
  if (::ftruncate(descriptor.get(), sizeof(SharedPage)) != 0) return cannot("size shared memory");
  // An executor that shrinks the page would make the worker die of SIGBUS when it reads.
  if (::fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return cannot("seal shared memory");
  }
  void* memory = map(descriptor.get());
  if (memory == MAP_FAILED) return cannot("map shared memory");
  // Only the small counters are touched: the dump's pages are never made unless there is a crash.
  return SharedMapping(std::move(descriptor), static_cast<SharedPage*>(memory));
}

Result<SharedMapping> SharedMapping::attach(UniqueFd descriptor) {
  void* memory = map(descriptor.get());
  if (memory == MAP_FAILED) return cannot("map shared memory");
  return SharedMapping(std::move(descriptor), static_cast<SharedPage*>(memory));
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : descriptor_(std::move(other.descriptor_)), page_(std::exchange(other.page_, nullptr)) {}

SharedMapping::~SharedMapping() {
  if (page_ != nullptr) ::munmap(page_, sizeof(SharedPage));
}

void reset(SharedPage& page) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  page.progress.records.store(0, kRelaxed);
  page.progress.offset.store(0, kRelaxed);
  page.progress.ticks.store(0, kRelaxed);
  page.progress.piece.store(0, kRelaxed);
  page.progress.in_user_code.store(0, kRelaxed);
  page.progress.key_size.store(abi::ProgressSlot::kNoKey, kRelaxed);
  page.key_saved.store(0, kRelaxed);
  page.bytes_read.store(0, kRelaxed);
  page.loading_plugin.store(0, kRelaxed);
  page.dump.cause.store(DumpCause::kNone, std::memory_order_release);
  page.dump.frames = 0;
  page.dump.terminate_text[0] = '\0';
}

}  // namespace fanfold::worker
