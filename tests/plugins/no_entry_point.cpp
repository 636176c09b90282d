// Carries the right fingerprint and nothing else.

#include <fanfold/fingerprint.hpp>

namespace {

[[gnu::used, gnu::section(".note.fanfold"),
  gnu::aligned(4)]] constexpr fanfold::detail::FingerprintNote note{};

}  // namespace
