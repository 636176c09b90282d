#include "common/inputs/host_input.hpp"

#include <algorithm>

#include "common/core/limits.hpp"

namespace fanfold::inputs {
namespace {

constexpr std::string_view kScheme = "host://";

Status refused(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

bool is_control(char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; }

bool is_letter_of_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

}  // namespace

bool is_host_input(std::string_view input) { return input.starts_with(kScheme); }

HostInput split_host_input(std::string_view input) {
  input.remove_prefix(kScheme.size());
  const std::size_t slash = std::min(input.find('/'), input.size());
  return {input.substr(0, slash), input.substr(slash)};
}

std::string host_path(std::string_view host, std::string_view path) {
  return std::string(kScheme).append(host).append(path);
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::kNameBytes && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), is_letter_of_name);
}

Status check_path_on_host(std::string_view path) {
  if (path.size() > limits::kPathBytes) {
    return refused("a path is longer than " + std::to_string(limits::kPathBytes) + " bytes");
  }
  if (std::any_of(path.begin(), path.end(), is_control)) {
    return refused("a path has control characters in it");
  }
  if (!path.starts_with('/')) return refused("a path is not absolute");
  // A pattern may have backslashes in it that go away later.
  std::string letters(path);
  std::erase(letters, '\\');
  if ((letters + "/").find("/../") != std::string::npos) return refused("a path has '..' in it");
  return Status();
}

Status check_host_input(std::string_view input) {
  constexpr const char* kForm = "write host://NAME/path, or host://*/path for all hosts";
  const std::string quoted = "input '" + std::string(input.substr(0, 200)) + "'";
  if (!is_host_input(input)) return refused(quoted + " lies on no host: " + kForm);
  const HostInput parts = split_host_input(input);
  if (Status checked = check_path_on_host(parts.path.empty() ? "/" : parts.path); !checked.ok()) {
    return std::move(checked).with_context("an input on hosts is refused");
  }
  const std::string_view host = parts.host;
  const bool pattern = std::all_of(host.begin(), host.end(), [](char c) {
    return is_letter_of_name(c) || std::string_view("*?[]!^").find(c) != std::string_view::npos;
  });
  if (host.empty() || host.size() > limits::kNameBytes || !pattern) {
    return refused(quoted + " names no host: " + kForm);
  }
  if (parts.path.find_first_not_of('/') == std::string_view::npos) {
    return refused(quoted + " is all of the host's files: say which; " + kForm);
  }
  return Status();
}

bool is_within(std::string_view path, const std::vector<std::string>& directories) {
  return std::any_of(directories.begin(), directories.end(), [path](const std::string& directory) {
    if (directory == "/") return path.starts_with('/');
    return path == directory ||
           (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
  });
}

}  // namespace fanfold::inputs
