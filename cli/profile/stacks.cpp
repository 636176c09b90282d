#include "cli/profile/stacks.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>

#include "worker/isolation/source_lines.hpp"
#include "worker/plugin/elf_file.hpp"

namespace fanfold::cli {
namespace {

using worker::ElfFile;

std::string real_path(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? real.get() : path;
}

std::string demangled(const std::string& name) {
  int failed = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      ::abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &failed), &std::free);
  return text ? text.get() : name;
}

/// The engine and the standard library are compiled into the plugin, too.
Owner owner_in_plugin(const std::string& name) {
  if (name.find("fanfold::") == 0 || name.find(" fanfold::") < name.find('<')) {
    return Owner::kFanfold;
  }
  const bool standard =
      name.starts_with("std::") || name.find(" std::") < name.find('<') || name.starts_with("__");
  return standard ? Owner::kSystem : Owner::kUser;
}

class Names {
 public:
  Names(const StackProfile& profile, const std::string& plugin) : profile_(profile) {
    const std::string plugin_path = real_path(plugin);
    const std::string program = real_path("/proc/self/exe");
    // Executors are processes of fanfold-worker, which lies beside this program.
    const std::string programs = program.substr(0, program.rfind('/') + 1) + "fanfold";
    for (const StackProfile::Module& module : profile.modules) {
      const std::string path = real_path(module.path);
      plugins_.push_back(path == plugin_path);
      owners_.push_back(path == plugin_path          ? Owner::kUser
                        : path == program            ? Owner::kFanfold
                        : path.starts_with(programs) ? Owner::kFanfold
                                                     : Owner::kSystem);
    }
    files_.resize(profile.modules.size());
    opened_.resize(profile.modules.size(), false);
    plugin_ = plugin_path;
  }

  /// All of the plugin's at once: each asking starts a program.
  void look_up(const std::set<ProfileFrame>& places) {
    std::vector<std::uint64_t> addresses;
    for (const ProfileFrame& place : places) {
      if (place.module == ProfileFrame::kNowhere || !plugins_[place.module]) continue;
      if (const auto address = address_of(place)) addresses.push_back(*address);
    }
    sources_ = worker::source_lines(plugin_, addresses);
    for (const ProfileFrame& place : places) known_.emplace(place, functions_at(place));
  }

  /// Outermost first: what is inlined comes after.
  const std::vector<Function>& of(const ProfileFrame& place) const { return known_.at(place); }

 private:
  /// Null: it is not here, or another one is.
  const ElfFile* file(std::uint32_t module) {
    if (!opened_[module]) {
      opened_[module] = true;
      const StackProfile::Module& wanted = profile_.modules[module];
      std::error_code failed;
      if (std::filesystem::file_size(wanted.path, failed) != wanted.bytes || failed) return nullptr;
      auto opened = ElfFile::open(wanted.path);
      if (opened.ok()) files_[module] = std::make_unique<ElfFile>(*std::move(opened));
    }
    return files_[module].get();
  }

  std::optional<std::uint64_t> address_of(const ProfileFrame& place) {
    const ElfFile* elf = file(place.module);
    if (elf == nullptr) return std::nullopt;
    return elf->address_of_offset(place.offset);
  }

  std::vector<Function> functions_at(const ProfileFrame& place) {
    if (place.module == ProfileFrame::kNowhere) return {{"(unknown)", Owner::kSystem}};
    const std::string& path = profile_.modules[place.module].path;
    const Owner owner = owners_[place.module];
    const auto address = address_of(place);
    if (!address) return {{"(" + path + ")", owner}};
    std::vector<Function> functions;
    if (const auto found = sources_.find(*address);
        found != sources_.end() && plugins_[place.module]) {
      for (const std::string& line : found->second) {
        const std::string name = line.substr(0, line.rfind(" at "));
        functions.push_back({name, owner_in_plugin(name)});
      }
      std::reverse(functions.begin(), functions.end());
      return functions;
    }
    const std::string name = file(place.module)->function_at(*address);
    const std::string base = path.substr(path.rfind('/') + 1);
    if (name.empty()) return {{"(" + base + ")", owner}};
    const std::string readable = demangled(name);
    return {{readable, owner == Owner::kUser ? owner_in_plugin(readable) : owner}};
  }

  const StackProfile& profile_;
  std::string plugin_;
  // By module.
  std::vector<bool> plugins_;
  std::vector<Owner> owners_;
  std::vector<std::unique_ptr<ElfFile>> files_;
  std::vector<bool> opened_;
  worker::SourceLines sources_;
  std::map<ProfileFrame, std::vector<Function>> known_;
};

/// All but the innermost are return addresses: the call is just before.
ProfileFrame place_of(const std::vector<ProfileFrame>& frames, std::size_t index) {
  ProfileFrame place = frames[index];
  if (index > 0) --place.offset;
  return place;
}

}  // namespace

std::map<Stage, Stacks> name_stacks(const StackProfile& profile, const std::string& plugin) {
  Names names(profile, plugin);
  std::set<ProfileFrame> places;
  for (const auto& [stack, count] : profile.stacks) {
    for (std::size_t i = 0; i < stack.second.size(); ++i) places.insert(place_of(stack.second, i));
  }
  names.look_up(places);
  std::map<Stage, Stacks> stages;
  for (const auto& [stack, count] : profile.stacks) {
    const auto& [stage, frames] = stack;
    std::vector<Function> functions;
    for (std::size_t i = frames.size(); i-- > 0;) {
      const std::vector<Function>& there = names.of(place_of(frames, i));
      functions.insert(functions.end(), there.begin(), there.end());
    }
    stages[stage][functions] += count;
  }
  return stages;
}

}  // namespace fanfold::cli
