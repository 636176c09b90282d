#include "cli/items/result_entry.hpp"

#include <ctime>

namespace fanfold::cli {
namespace {

using items::Child;
using items::Json;

std::string date_of(std::uint64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + unix_ms % 1000).substr(1);
  return std::string(text, size) + "." + fraction + "Z";
}

Json entry_with(const std::string& label, const Child& child, const char* status) {
  return {{"Index", child.index},
          {"Items", child.items},
          {"Name", label + "-" + std::to_string(child.index)},
          {"Input", child.input},
          {"InputDetails", {{"Included", true}}},
          {"Status", status}};
}

/// Of a child that was begun.
template <class Done>
void add_times(const Done& one, Json* entry) {
  if (one.began_ms == 0) return;
  (*entry)["StartDate"] = date_of(one.began_ms);
  (*entry)["StopDate"] = date_of(one.ended_ms);
  (*entry)["Attempts"] = one.attempts;
}

}  // namespace

Json entry_of(const std::string& label, const items::SucceededChild& one) {
  Json entry = entry_with(label, one.child, "SUCCEEDED");
  entry["Output"] = one.output;
  entry["OutputDetails"] = {{"Included", true}};
  add_times(one, &entry);
  return entry;
}

Result<Json> entry_of(const std::string& label, const items::FailedChild& one) {
  Json entry = entry_with(label, one.child, "FAILED");
  FANFOLD_ASSIGN_OR_RETURN(entry["Error"], items::parse_json(one.error));
  FANFOLD_ASSIGN_OR_RETURN(entry["Cause"], items::parse_json(one.cause));
  FANFOLD_ASSIGN_OR_RETURN(entry["History"], items::parse_json(one.history));
  add_times(one, &entry);
  return entry;
}

Json entry_of(const std::string& label, const Child& child) {
  return entry_with(label, child, "PENDING");
}

}  // namespace fanfold::cli
