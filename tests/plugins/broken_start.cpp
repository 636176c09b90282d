// A plugin whose static initialiser goes wrong in the way that FAULT names.

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <fanfold/job.hpp>

namespace {

[[maybe_unused]] const bool broken = [] {
  const std::string_view fault = FAULT;
  if (fault == "throw") throw std::runtime_error("no licence file");
  if (fault == "exit") std::exit(7);
  if (fault == "abort") std::abort();
  if (fault == "segv") std::raise(SIGSEGV);
  for (volatile bool forever = fault == "hang"; forever;) {
  }
  return true;
}();

struct Fine {
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    out.emit(line, 1);
  }
};

}  // namespace

FANFOLD_JOB(Fine, "fine", "Would work if it could be loaded.");
