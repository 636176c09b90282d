#include "master/planner/preferences.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "common/inputs/glob.hpp"
#include "common/inputs/host_input.hpp"

namespace fanfold::master {
namespace {

/// The first component, which is taken off; empty: there is none.  Lines of lists may have "." and
/// two slashes in them.
std::string_view take_component(std::string_view* path) {
  while (!path->empty()) {
    const std::size_t slash = std::min(path->find('/'), path->size());
    const std::string_view component = path->substr(0, slash);
    path->remove_prefix(std::min(slash + 1, path->size()));
    if (!component.empty() && component != ".") return component;
  }
  return {};
}

/// What exists means itself, whatever it looks like.
bool means(std::string_view pattern, std::string_view component) {
  return pattern == component || inputs::matches(pattern, component);
}

class Finder {
 public:
  explicit Finder(const std::vector<proto::Preference>& prefer)
      : prefer_(prefer), matched_(prefer.size(), false) {}

  std::optional<std::size_t> preference_of(const proto::Split& split) {
    if (split.pieces.size() == 1) return preference_of(split.pieces.front().path);
    std::map<std::size_t, std::uint64_t> bytes;
    for (const io::Piece& piece : split.pieces) {
      const std::optional<std::size_t> one = preference_of(piece.path);
      if (one) bytes[*one] += piece.end - piece.begin;
    }
    const auto most =
        std::max_element(bytes.begin(), bytes.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most == bytes.end()) return std::nullopt;
    return most->first;
  }

  bool has_matched(std::size_t preference) const { return matched_[preference]; }

 private:
  std::optional<std::size_t> preference_of(const std::string& path) {
    // A large file has many splits, one after the other.
    if (path == last_path_) return last_;
    last_path_ = path;
    last_.reset();
    if (inputs::is_host_input(path)) return last_;
    const auto found = std::find_if(prefer_.begin(), prefer_.end(), [&path](const auto& one) {
      return is_below(one.pattern, path);
    });
    if (found == prefer_.end()) return last_;
    last_ = static_cast<std::size_t>(found - prefer_.begin());
    matched_[*last_] = true;
    return last_;
  }

  const std::vector<proto::Preference>& prefer_;
  std::vector<bool> matched_;
  std::string last_path_;
  std::optional<std::size_t> last_;
};

}  // namespace

bool is_below(std::string_view pattern, std::string_view path) {
  // What is left of both behind the last "**"; the path from further and further down.
  std::optional<std::string_view> any_depth;
  std::string_view below;
  while (!pattern.empty()) {
    std::string_view rest = pattern;
    const std::string_view component = take_component(&rest);
    if (component.empty()) break;
    if (component == "**") {
      any_depth = pattern = rest;
      below = path;
      continue;
    }
    std::string_view deeper = path;
    if (!path.empty() && means(component, take_component(&deeper))) {
      pattern = rest;
      path = deeper;
      continue;
    }
    if (!any_depth || below.empty()) return false;
    take_component(&below);
    path = below;
    pattern = *any_depth;
  }
  return true;
}

std::vector<PreferenceRun> find_preferences(const std::vector<proto::Preference>& prefer,
                                            const std::vector<proto::Split>& splits,
                                            std::vector<std::string>* notes) {
  std::vector<PreferenceRun> runs;
  if (prefer.empty()) return runs;
  Finder finder(prefer);
  for (const proto::Split& split : splits) {
    const std::optional<std::size_t> preference = finder.preference_of(split);
    if (runs.empty() || runs.back().preference != preference) runs.push_back({preference, 0});
    ++runs.back().count;
  }
  for (std::size_t i = 0; i < prefer.size(); ++i) {
    if (finder.has_matched(i)) continue;
    notes->push_back("no file of the input matches '" + prefer[i].pattern +
                     "', so that nothing prefers " + prefer[i].hosts.front() +
                     (prefer[i].hosts.size() > 1 ? " and others" : ""));
  }
  // Nothing of it is near anybody.
  if (runs.size() == 1 && !runs.front().preference) runs.clear();
  return runs;
}

}  // namespace fanfold::master
