#include "cli/profile/stacks.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "worker/isolation/source_lines.hpp"
#include "worker/plugin/elf_file.hpp"

namespace fanfold::cli {
namespace {

using worker::ElfFile;

struct Module {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t file_offset = 0;
  std::string path;
};

std::vector<Module> mapped_modules() {
  std::vector<Module> modules;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    Module module;
    char dash = 0;
    std::string mode;
    std::string device;
    std::string inode;
    fields >> std::hex >> module.begin >> dash >> module.end >> mode >> module.file_offset >>
        device >> inode >> module.path;
    if (mode.find('x') != mode.npos && module.path.starts_with('/')) modules.push_back(module);
  }
  return modules;
}

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
  explicit Names(const std::string& plugin)
      : plugin_(real_path(plugin)), program_(real_path("/proc/self/exe")) {}

  /// All of the plugin's at once: each asking starts a program.
  void look_up(const std::set<std::uint64_t>& counters) {
    std::vector<std::uint64_t> addresses;
    for (const std::uint64_t counter : counters) {
      const Module* module = module_of(counter);
      if (module == nullptr || module->path != plugin_) continue;
      if (const auto address = address_of(*module, counter)) addresses.push_back(*address);
    }
    sources_ = worker::source_lines(plugin_, addresses);
    for (const std::uint64_t counter : counters) known_.emplace(counter, functions_at(counter));
  }

  /// Outermost first: what is inlined comes after.
  const std::vector<Function>& of(std::uint64_t counter) const { return known_.at(counter); }

 private:
  const Module* module_of(std::uint64_t counter) const {
    for (const Module& module : modules_) {
      if (counter >= module.begin && counter < module.end) return &module;
    }
    return nullptr;
  }

  const ElfFile* file(const std::string& path) {
    auto found = files_.find(path);
    if (found == files_.end()) {
      auto opened = ElfFile::open(path);
      found = files_.emplace(path, nullptr).first;
      if (opened.ok()) found->second = std::make_unique<ElfFile>(*std::move(opened));
    }
    return found->second.get();
  }

  std::optional<std::uint64_t> address_of(const Module& module, std::uint64_t counter) {
    const ElfFile* elf = file(module.path);
    if (elf == nullptr) return std::nullopt;
    return elf->address_of_offset(counter - module.begin + module.file_offset);
  }

  std::vector<Function> functions_at(std::uint64_t counter) {
    const Module* module = module_of(counter);
    if (module == nullptr) return {{"(unknown)", Owner::kSystem}};
    const Owner owner = module->path == plugin_    ? Owner::kUser
                        : module->path == program_ ? Owner::kFanfold
                                                   : Owner::kSystem;
    const auto address = address_of(*module, counter);
    if (!address) return {{"(" + module->path + ")", owner}};
    std::vector<Function> functions;
    if (const auto found = sources_.find(*address); found != sources_.end()) {
      for (const std::string& line : found->second) {
        const std::string name = line.substr(0, line.rfind(" at "));
        functions.push_back({name, owner_in_plugin(name)});
      }
      std::reverse(functions.begin(), functions.end());
      return functions;
    }
    const std::string name = file(module->path)->function_at(*address);
    const std::string base = module->path.substr(module->path.rfind('/') + 1);
    if (name.empty()) return {{"(" + base + ")", owner}};
    const std::string readable = demangled(name);
    return {{readable, owner == Owner::kUser ? owner_in_plugin(readable) : owner}};
  }

  const std::string plugin_;
  const std::string program_;
  const std::vector<Module> modules_ = mapped_modules();
  std::map<std::string, std::unique_ptr<ElfFile>> files_;
  worker::SourceLines sources_;
  std::map<std::uint64_t, std::vector<Function>> known_;
};

/// All but the innermost are return addresses: the call is just before.
std::uint64_t place_of(const Sample& sample, std::size_t frame) {
  return sample.counters[frame] - (frame == 0 ? 0 : 1);
}

}  // namespace

std::map<Stage, Stacks> name_stacks(const std::vector<Sample>& samples, const std::string& plugin) {
  Names names(plugin);
  std::set<std::uint64_t> counters;
  for (const Sample& sample : samples) {
    for (std::size_t i = 0; i < sample.counters.size(); ++i) counters.insert(place_of(sample, i));
  }
  names.look_up(counters);
  std::map<Stage, Stacks> stages;
  for (const Sample& sample : samples) {
    std::vector<Function> stack;
    for (std::size_t i = sample.counters.size(); i-- > 0;) {
      const std::vector<Function>& functions = names.of(place_of(sample, i));
      stack.insert(stack.end(), functions.begin(), functions.end());
    }
    ++stages[sample.stage][stack];
  }
  return stages;
}

}  // namespace fanfold::cli
