// What must be equal on both sides of the plugin boundary before any code of a plugin may run:
// the boundary's version, the C++ ABI, the standard library, sanitizers, and these very headers.
// The text is kept in an ELF note of the plugin, so a host reads it without loading the plugin.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fanfold/abi.hpp"
#include "fanfold/build_id.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define FANFOLD_SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define FANFOLD_SANITIZER "thread"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FANFOLD_SANITIZER "address"
#elif __has_feature(thread_sanitizer)
#define FANFOLD_SANITIZER "thread"
#elif __has_feature(memory_sanitizer)
#define FANFOLD_SANITIZER "memory"
#endif
#endif
#ifndef FANFOLD_SANITIZER
#define FANFOLD_SANITIZER "none"
#endif

// g++ and clang follow one Itanium C++ ABI; its later versions (1002 and up) differ only in corners
// that this boundary does not touch, so a plugin of one compiler loads into a host of the other.
#if __GXX_ABI_VERSION >= 1002
#define FANFOLD_CXX_ABI "itanium-1"
#else
#define FANFOLD_CXX_ABI "itanium-0"
#endif

// Debug containers have another layout.
#ifdef _GLIBCXX_DEBUG
#define FANFOLD_STDLIB_MODE "-debug"
#else
#define FANFOLD_STDLIB_MODE ""
#endif
#if defined(_LIBCPP_VERSION)
#define FANFOLD_STDLIB "libc++"
#elif defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define FANFOLD_STDLIB "libstdc++-cxx11"
#else
#define FANFOLD_STDLIB "libstdc++-cxx98"
#endif

// A macro and not a function of strings, because it must become constant bytes of a section.
#define FANFOLD_FINGERPRINT                                                          \
  "fanfold api=4 abi=" FANFOLD_CXX_ABI " stdlib=" FANFOLD_STDLIB FANFOLD_STDLIB_MODE \
  " sanitizer=" FANFOLD_SANITIZER " headers=" FANFOLD_BUILD_ID

namespace fanfold {

/// Fingerprint of the code that includes this.
inline constexpr std::string_view kFingerprint = FANFOLD_FINGERPRINT;

static_assert(abi::kApiVersion == 4, "FANFOLD_FINGERPRINT must name the version of the boundary");

namespace detail {

/// An ELF note as it lies in the file: Elf64_Nhdr, name, text padded to four bytes.
struct FingerprintNote {
  std::uint32_t name_size = 8;
  std::uint32_t text_size = kFingerprint.size();
  std::uint32_t type = abi::kNoteType;
  char name[8] = "fanfold";
  alignas(4) char text[(kFingerprint.size() + 3) / 4 * 4] = {};

  constexpr FingerprintNote() {
    for (std::size_t i = 0; i < kFingerprint.size(); ++i) text[i] = kFingerprint[i];
  }
};
static_assert(sizeof(FingerprintNote) % 4 == 0 && alignof(FingerprintNote) == 4);

}  // namespace detail
}  // namespace fanfold
