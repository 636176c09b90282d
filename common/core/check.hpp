// FANFOLD_CHECK: what must hold or the program is wrong.  On in release builds too.

#pragma once

namespace fanfold {

/// Prints "file:line: check failed: expression" to standard error and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* expression);

}  // namespace fanfold

#define FANFOLD_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::fanfold::check_failed(__FILE__, __LINE__, #condition))
