#include "sim/world/check_failed.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "common/core/check.hpp"

namespace fanfold {
namespace {

thread_local bool throwing = false;

}  // namespace

void check_failed(const char* file, int line, const char* expression) {
  const std::string text =
      std::string(file) + ":" + std::to_string(line) + ": check failed: " + expression;
  if (throwing && std::uncaught_exceptions() == 0) throw sim::CheckFailed(text);
  std::fprintf(stderr, "%s\n", text.c_str());
  std::abort();
}

namespace sim {

ThrowingChecks::ThrowingChecks() { throwing = true; }
ThrowingChecks::~ThrowingChecks() { throwing = false; }

}  // namespace sim
}  // namespace fanfold
