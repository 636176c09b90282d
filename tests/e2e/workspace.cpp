#include "tests/e2e/workspace.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>

namespace fanfold::e2e {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class Visit>
void for_each_process(Visit visit) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      visit(static_cast<pid_t>(std::stol(name)));
    }
  }
}

pid_t parent_of(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t close = stat.rfind(") ");
  return close == std::string::npos ? 0 : static_cast<pid_t>(std::stol(stat.substr(close + 4)));
}

}  // namespace

Workspace::Workspace() {
  std::string path = "/tmp/ffe2e-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no workspace in /tmp");
  root_ = path;
  fs::create_directory(temporary());
  fs::create_directory(path + "/run");
}

Workspace::~Workspace() {
  std::error_code error;
  // A test may have taken permissions away.
  for (const auto& entry : fs::recursive_directory_iterator(
           root_, fs::directory_options::skip_permission_denied, error)) {
    if (entry.is_directory(error)) {
      fs::permissions(entry.path(), fs::perms::owner_all, fs::perm_options::add, error);
    }
  }
  fs::remove_all(root_, error);
}

std::string Workspace::write(const std::string& name, const std::string& text) const {
  const fs::path target = path(name);
  fs::create_directories(target.parent_path());
  std::ofstream(target, std::ios::binary) << text;
  return target.string();
}

std::string Workspace::read(const std::string& name) const { return read_file(path(name)); }

void Workspace::give_to_nobody() const {
  constexpr uid_t kNobody = 65534;
  const auto give = [](const fs::path& path) {
    if (::lchown(path.c_str(), kNobody, kNobody) != 0) throw std::runtime_error("cannot chown");
  };
  give(root_);
  for (const auto& entry : fs::recursive_directory_iterator(root_)) give(entry.path());
}

bool Workspace::exists(const std::string& name) const {
  return fs::exists(fs::symlink_status(path(name)));
}

std::vector<std::string> Workspace::list(const std::string& name) const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path(name), error)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string Workspace::fingerprint(const std::string& output) const {
  std::string text;
  for (const std::string& name : list(output)) {
    std::string content = read(output + "/" + name);
    if (name == "_SUCCESS") {
      nlohmann::json manifest = nlohmann::json::parse(content);
      manifest.erase("run");
      content = manifest.dump(2);
    }
    text += "== " + name + "\n" + content;
  }
  return text;
}

std::string Workspace::leftovers() const {
  std::string text;
  for (const pid_t pid : processes_naming(root_)) {
    text += "process " + std::to_string(pid) + ": " + command_line_of(pid) + "\n";
  }
  for (const std::string& name : list("tmp")) text += "file " + temporary() + "/" + name + "\n";
  return text;
}

std::string Workspace::remains() const {
  std::string text = leftovers();
  for (const std::string& name : list("")) {
    if (name.find(".fanfold-") == std::string::npos) continue;
    text += "staging " + name + ":";
    // It may be going while we look.
    std::error_code gone;
    for (auto inner = std::filesystem::recursive_directory_iterator(path(name), gone);
         !gone && inner != std::filesystem::end(inner); inner.increment(gone)) {
      text += " " + inner->path().lexically_relative(path(name)).string();
    }
    text += "\n";
  }
  return text;
}

std::vector<pid_t> processes_naming(const std::string& text) {
  std::vector<pid_t> found;
  for_each_process([&](pid_t pid) {
    if (pid != ::getpid() && command_line_of(pid).find(text) != std::string::npos) {
      found.push_back(pid);
    }
  });
  return found;
}

std::vector<pid_t> descendants_of(pid_t parent) {
  std::map<pid_t, pid_t> parents;
  for_each_process([&](pid_t pid) { parents[pid] = parent_of(pid); });
  std::set<pid_t> family = {parent};
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [pid, above] : parents) {
      if (family.count(above) != 0 && family.insert(pid).second) grown = true;
    }
  }
  family.erase(parent);
  return {family.begin(), family.end()};
}

std::string command_line_of(pid_t pid) {
  std::string text = read_file("/proc/" + std::to_string(pid) + "/cmdline");
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

std::string make_text(unsigned seed, std::size_t lines) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    for (unsigned words = below(12); words > 0; --words) {
      // The minimum of three draws: small numbers are frequent.
      const unsigned word = std::min({below(5000), below(5000), below(5000)});
      text += "w" + std::to_string(word) + (words > 1 ? " " : "");
    }
    text += '\n';
  }
  return text;
}

}  // namespace fanfold::e2e
