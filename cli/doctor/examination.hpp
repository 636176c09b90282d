// What is right and wrong about a host, and what to do about it.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/doctor/host_facts.hpp"

namespace fanfold::cli {

enum class Verdict : std::uint8_t {
  kFine = 0,
  kWarning = 1,  // Jobs run, but slower, or not all of them.
  kBroken = 2,   // Jobs cannot run here.
};
const char* name_of(Verdict verdict);

struct Finding {
  std::string subject;  // "open files", "scratch space" ...
  Verdict verdict = Verdict::kFine;
  std::string found;
  std::string fix;  // Empty when it is fine.
};

std::vector<Finding> examine(const HostFacts& facts);

Verdict worst_of(const std::vector<Finding>& findings);
std::string text_of(const std::vector<Finding>& findings);
std::string to_json(const std::vector<Finding>& findings);

}  // namespace fanfold::cli
