#include "common/inputs/glob.hpp"

#include <vector>

#include "common/io/scheme.hpp"

namespace fanfold::inputs {
namespace {

/// Matches `[...]` at the front of `pattern` against `character`; `length` becomes its size, or 0
/// when the bracket is never closed and so means itself.
bool matches_bracket(std::string_view pattern, char character, std::size_t& length) {
  const bool negated = pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^');
  std::size_t at = negated ? 2 : 1;
  const std::size_t first = at;
  bool found = false;
  length = 0;
  const auto value = [](char c) { return static_cast<unsigned char>(c); };
  // A "]" right after the opening is a member of the set, as in the shell.
  for (; at < pattern.size() && (pattern[at] != ']' || at == first); ++at) {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    const char low = pattern[at];
    char high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = pattern[at + 2];
      at += 2;
    }
    found |= value(low) <= value(character) && value(character) <= value(high);
  }
  if (at >= pattern.size()) return false;
  length = at + 1;
  return found != negated;
}

/// Size of the first element of `pattern` (a character, `?`, `[..]` or `\x`) if it matches
/// `character`, else 0.
std::size_t match_one(std::string_view pattern, char character) {
  if (pattern.front() == '?') return 1;
  if (pattern.front() == '\\' && pattern.size() > 1) return pattern[1] == character ? 2 : 0;
  if (pattern.front() == '[') {
    std::size_t length = 0;
    const bool matched = matches_bracket(pattern, character, length);
    if (length != 0) return matched ? length : 0;
  }
  return pattern.front() == character ? 1 : 0;
}

std::string unescaped(std::string_view component) {
  std::string plain;
  for (std::size_t at = 0; at < component.size(); ++at) {
    if (component[at] == '\\' && at + 1 < component.size()) ++at;
    plain.push_back(component[at]);
  }
  return plain;
}

/// What every name that matches begins with.
std::string plain_beginning(std::string_view component) {
  std::string_view beginning = component.substr(0, component.find_first_of("*?["));
  // The wildcard may have been escaped: then it is plain, and only less is known than could be.
  if (beginning.ends_with('\\')) beginning.remove_suffix(1);
  return unescaped(beginning);
}

/// A wildcard finds a hidden name only when the pattern spells its first character.
bool visible(std::string_view pattern, const std::string& name) {
  return !skipped_by_convention(name) || pattern.front() == name.front();
}

class Expansion {
 public:
  Expansion(io::FileSystem& files, const std::string& tag, FileCollector& collector)
      : files_(files), tag_(tag), collector_(collector) {}

  Status expand(const std::string& directory, const std::vector<std::string_view>& components,
                std::size_t index) {
    FANFOLD_RETURN_IF_ERROR(collector_.go_on());
    const Status entered = collector_.may_enter(directory);
    if (!entered.ok()) return collector_.leave_out(directory, entered);
    const std::string_view component = components[index];
    const bool last = index + 1 == components.size();
    if (component == "**") return expand_any_depth(directory, components, index);
    if (!has_wildcard(component)) {
      const std::string path = directory + "/" + unescaped(component);
      return last ? add_if_there(path) : expand_if_directory(path, components, index + 1);
    }
    const auto wanted = [component](const std::string& name) {
      return matches(component, name) && visible(component, name);
    };
    const auto entries = files_.list_matching(directory.empty() ? "/" : directory,
                                              {plain_beginning(component), wanted});
    if (!entries.ok()) return collector_.leave_out(directory, entries.status());
    for (const auto& [name, info] : *entries) {
      if (!info.ok() && info.status().code() == StatusCode::kNotFound) continue;
      const std::string path = directory + "/" + name;
      if (!info.ok()) {
        FANFOLD_RETURN_IF_ERROR(collector_.leave_out(path, info.status()));
        continue;
      }
      if (last) {
        FANFOLD_RETURN_IF_ERROR(collector_.add(path, *info, tag_, trail_));
      } else if (info->kind == io::FileKind::kDirectory) {
        FANFOLD_RETURN_IF_ERROR(expand(path, components, index + 1));
      }
    }
    return Status();
  }

 private:
  /// This directory itself, then every visible directory in it, and so on.
  Status expand_any_depth(const std::string& directory,
                          const std::vector<std::string_view>& components, std::size_t index) {
    const std::string name_of_directory = directory.empty() ? "/" : directory;
    const auto info = files_.stat(name_of_directory);
    if (!info.ok()) return collector_.leave_out(name_of_directory, info.status());
    // A final ** means every file at any depth, which is what adding a directory does.
    if (index + 1 == components.size()) {
      return collector_.add(name_of_directory, *info, tag_, trail_);
    }
    const Status entered = trail_.enter(name_of_directory, *info);
    if (!entered.ok()) return collector_.leave_out(name_of_directory, entered);
    Status expanded = expand(directory, components, index + 1);
    if (expanded.ok()) expanded = expand_directories_of(directory, components, index);
    trail_.leave();
    return expanded;
  }

  Status expand_directories_of(const std::string& directory,
                               const std::vector<std::string_view>& components, std::size_t index) {
    // expand() has left it out, then.
    if (!collector_.may_enter(directory).ok()) return Status();
    const auto wanted = [](const std::string& name) { return !skipped_by_convention(name); };
    const auto entries = files_.list_matching(directory.empty() ? "/" : directory, {"", wanted});
    // Where the rest of the pattern has a wildcard, that has been said before.
    if (!entries.ok()) return collector_.leave_out(directory, entries.status());
    for (const auto& [name, below] : *entries) {
      if (!below.ok() && below.status().code() == StatusCode::kNotFound) continue;
      if (!below.ok()) {
        FANFOLD_RETURN_IF_ERROR(collector_.leave_out(directory + "/" + name, below.status()));
        continue;
      }
      if (below->kind != io::FileKind::kDirectory) continue;
      FANFOLD_RETURN_IF_ERROR(expand_any_depth(directory + "/" + name, components, index));
    }
    return Status();
  }

  Status add_if_there(const std::string& path) {
    const auto info = files_.stat(path);
    if (!info.ok() && info.status().code() == StatusCode::kNotFound) return Status();
    if (!info.ok()) return collector_.leave_out(path, info.status());
    return collector_.add(path, *info, tag_, trail_);
  }

  Status expand_if_directory(const std::string& path,
                             const std::vector<std::string_view>& components, std::size_t index) {
    const auto info = files_.stat(path);
    if (!info.ok() && info.status().code() == StatusCode::kNotFound) return Status();
    if (!info.ok()) return collector_.leave_out(path, info.status());
    if (info->kind != io::FileKind::kDirectory) return Status();
    return expand(path, components, index);
  }

  io::FileSystem& files_;
  const std::string& tag_;
  FileCollector& collector_;
  DirectoryTrail trail_;
};

}  // namespace

bool has_wildcard(std::string_view pattern) {
  return pattern.find_first_of("*?[") != std::string_view::npos;
}

bool matches(std::string_view pattern, std::string_view name) {
  // Positions to come back to when what follows the last star did not fit: linear in practice.
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  std::size_t at = 0;
  std::size_t name_at = 0;
  while (name_at < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_name = name_at;
      continue;
    }
    const std::size_t length =
        at < pattern.size() ? match_one(pattern.substr(at), name[name_at]) : 0;
    if (length != 0) {
      at += length;
      ++name_at;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      name_at = ++star_name;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

Status expand_glob(io::FileSystem& files, const std::string& pattern, const std::string& tag,
                   FileCollector& collector) {
  std::vector<std::string_view> components;
  const std::string_view root = io::root_of(pattern);
  for (std::size_t at = root.size(); at < pattern.size();) {
    const std::size_t slash = std::min(pattern.find('/', at), pattern.size());
    if (slash != at) components.push_back(std::string_view(pattern).substr(at, slash - at));
    at = slash + 1;
  }
  if (components.empty()) return Status();
  return Expansion(files, tag, collector).expand(std::string(root), components, 0);
}

}  // namespace fanfold::inputs
