// libFuzzer's entry point for the target FANFOLD_FUZZ_TARGET.  An exception, a broken promise or
// a sanitizer's complaint ends the run with the input in a file.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/target.hpp"

namespace {

const fanfold::fuzz::Target& chosen_target() {
  using namespace fanfold::fuzz;
  for (const auto& targets :
       {protocol_targets(), file_targets(), input_targets(), foreign_targets()}) {
    for (const Target& target : targets) {
      if (target.name == FANFOLD_FUZZ_TARGET) return target;
    }
  }
  std::abort();  // CMakeLists.txt names a target that is none.
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fanfold::fuzz::Target& target = chosen_target();
  try {
    target.run({reinterpret_cast<const char*>(data), size});
  } catch (const fanfold::fuzz::BrokenPromise& broken) {
    std::fprintf(stderr, "broken promise: %s\n", broken.promise);
    std::abort();
  }
  return 0;
}
