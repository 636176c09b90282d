#include "worker/isolation/symbolise.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>

#include "worker/isolation/source_lines.hpp"
#include "worker/plugin/elf_file.hpp"
#include "worker/plugin/sealed_copy.hpp"

namespace fanfold::worker {
namespace {

constexpr std::size_t kLinesMax = 24;
constexpr std::size_t kLineBytesMax = 400;

/// A program counter and the module it lies in.
struct Frame {
  std::uint64_t counter = 0;
  const LoadedModule* module = nullptr;
  std::uint64_t address = 0;  // As linked; 0: unknown.
};

class Modules {
 public:
  const ElfFile* file(const std::string& path) {
    auto found = files_.find(path);
    if (found == files_.end()) {
      auto opened = ElfFile::open(path);
      std::unique_ptr<ElfFile> file;
      if (opened.ok()) file = std::make_unique<ElfFile>(*std::move(opened));
      found = files_.emplace(path, std::move(file)).first;
    }
    return found->second.get();
  }

 private:
  std::map<std::string, std::unique_ptr<ElfFile>> files_;
};

std::vector<Frame> locate(const CrashReport& report, Modules* modules) {
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < report.counters.size(); ++i) {
    Frame frame;
    frame.counter = report.counters[i];
    // All but an interrupted instruction are return addresses: the call is just before.
    const bool interrupted =
        i == 0 && (report.cause == DumpCause::kSignal || report.cause == DumpCause::kStopped);
    const std::uint64_t counter = frame.counter - (interrupted || frame.counter == 0 ? 0 : 1);
    for (const LoadedModule& module : report.modules) {
      if (counter < module.begin || counter >= module.end) continue;
      frame.module = &module;
      if (const ElfFile* file = modules->file(module.path)) {
        const std::uint64_t offset = counter - module.begin + module.file_offset;
        frame.address = file->address_of_offset(offset).value_or(0);
      }
    }
    frames.push_back(frame);
  }
  return frames;
}

/// Keeps the part of the stack that belongs to the user: from the plugin's outermost frame inwards,
/// without the machinery of throwing or exiting.
void trim(DumpCause cause, const std::string& plugin, std::vector<Frame>* frames) {
  const auto in_plugin = [&](const Frame& frame) {
    return frame.module != nullptr && frame.module->path == plugin;
  };
  const auto outermost = std::find_if(frames->rbegin(), frames->rend(), in_plugin);
  if (outermost == frames->rend()) return;
  frames->erase(outermost.base(), frames->end());
  if (cause == DumpCause::kException || cause == DumpCause::kExit) {
    frames->erase(frames->begin(), std::find_if(frames->begin(), frames->end(), in_plugin));
  }
}

std::string demangled(const std::string& name) {
  int failed = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      ::abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &failed), &std::free);
  return text ? text.get() : name;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string hex(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string name_from_symbols(const Frame& frame, Modules* modules) {
  if (frame.module == nullptr) {
    return frame.counter == 0 ? "0x0 (call of a null function pointer)" : hex(frame.counter);
  }
  const ElfFile* file = frame.address == 0 ? nullptr : modules->file(frame.module->path);
  const std::string name = file == nullptr ? "" : file->function_at(frame.address);
  const std::string where = base_name(frame.module->path);
  return name.empty() ? hex(frame.counter) + " in " + where : demangled(name) + " in " + where;
}

}  // namespace

std::vector<std::string> symbolise(CrashReport report, const std::string& plugin) {
  // The memory map names files by their real paths.
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(plugin.c_str(), nullptr),
                                                         &std::free);
  const std::string plugin_path = real ? real.get() : plugin;
  for (LoadedModule& module : report.modules) {
    if (module.path == kSealedCopyInMaps) module.path = plugin_path;
  }
  Modules modules;
  std::vector<Frame> frames = locate(report, &modules);
  trim(report.cause, plugin_path, &frames);

  std::vector<std::uint64_t> addresses;
  for (const Frame& frame : frames) {
    if (frame.module != nullptr && frame.module->path == plugin_path && frame.address != 0) {
      addresses.push_back(frame.address);
    }
  }
  const SourceLines sources = source_lines(plugin_path, addresses);
  std::vector<std::string> lines;
  for (const Frame& frame : frames) {
    const bool in_plugin = frame.module != nullptr && frame.module->path == plugin_path;
    const auto found = in_plugin ? sources.find(frame.address) : sources.end();
    if (found != sources.end()) {
      lines.insert(lines.end(), found->second.begin(), found->second.end());
    } else {
      lines.push_back(name_from_symbols(frame, &modules));
    }
  }
  if (lines.size() > kLinesMax) lines.resize(kLinesMax);
  for (std::string& line : lines) {
    if (line.size() > kLineBytesMax) line = line.substr(0, kLineBytesMax) + "...";
  }
  return lines;
}

}  // namespace fanfold::worker
