#include "common/proto/redrive.hpp"

#include <cstdio>
#include <string_view>

#include "common/proto/gather.hpp"

namespace fanfold::proto {
namespace {

constexpr std::string_view kPrefix = "redrive:";

}  // namespace

std::string redrive_input(const std::string& directory) { return std::string(kPrefix) + directory; }

std::optional<std::string> redriven_directory(const JobSpec& spec) {
  // Inputs are absolute, so no path of a user begins like this.
  if (spec.inputs.size() != 1 || !spec.inputs.front().starts_with(kPrefix)) return std::nullopt;
  return spec.inputs.front().substr(kPrefix.size());
}

std::string record_version(std::uint64_t xxh3_64) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(xxh3_64));
  return text;
}

void add_counters(const std::map<std::string, std::int64_t>& from, std::size_t name_bytes,
                  std::map<std::string, std::int64_t>* to) {
  for (const auto& [name, value] : from) {
    std::int64_t& counter = (*to)[name.substr(0, name_bytes)];
    counter = static_cast<std::int64_t>(static_cast<std::uint64_t>(counter) +
                                        static_cast<std::uint64_t>(value));
  }
}

bool keeps_pairs(const JobSpec& spec, std::uint32_t partitions) {
  const bool renames = spec.output.starts_with('/');
  return spec.bad_records.what == OnBadRecord::kDeadLetter && renames &&
         GatherTree(partitions, spec.gather.arity).tasks() == 0;
}

}  // namespace fanfold::proto
