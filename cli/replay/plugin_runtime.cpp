#include "cli/replay/plugin_runtime.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

constexpr std::string_view kRuntimes[] = {"libasan.so", "libtsan.so", "libclang_rt.asan",
                                          "libclang_rt.tsan"};

std::string sanitizer_of(const std::string& fingerprint) {
  constexpr std::string_view kField = " sanitizer=";
  const std::size_t begin = fingerprint.find(kField);
  if (begin == fingerprint.npos) return "none";
  const std::size_t value = begin + kField.size();
  return fingerprint.substr(value, fingerprint.find(' ', value) - value);
}

/// The names of the libraries that a file needs stand among its texts, each with a NUL behind it.
std::string runtime_of(const std::string& plugin) {
  std::ifstream file(plugin, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  for (const std::string_view runtime : kRuntimes) {
    const std::size_t begin = bytes.find(std::string(1, '\0') + std::string(runtime));
    if (begin == bytes.npos) continue;
    return bytes.substr(begin + 1, bytes.find('\0', begin + 1) - begin - 1);
  }
  return {};
}

}  // namespace

bool needs_sanitizer(const std::string& plugin) {
  const Result<std::string> fingerprint = worker::read_fingerprint(plugin);
  if (!fingerprint.ok()) return false;
  const std::string theirs = sanitizer_of(*fingerprint);
  return theirs != "none" && theirs != sanitizer_of(worker::own_fingerprint());
}

bool has_sanitizer() {
  return ::dlsym(RTLD_DEFAULT, "__asan_init") != nullptr ||
         ::dlsym(RTLD_DEFAULT, "__tsan_init") != nullptr;
}

Status restart_with_runtime(const std::string& plugin, const std::string& program,
                            const std::vector<std::string>& words) {
  const std::string runtime = runtime_of(plugin);
  if (runtime.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "the plugin " + plugin +
                      " was built with a sanitizer, but does not name its runtime library, so it "
                      "cannot be loaded.\nLink the plugin to the shared runtime (clang: "
                      "-shared-libsan), or build Fanfold with the same sanitizer.");
  }
  ::setenv("LD_PRELOAD", runtime.c_str(), 1);
  // A plugin is never unloaded, so all that it keeps would be told of as leaks.
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  return Status(StatusCode::kUnavailable,
                "cannot start " + program + " with " + runtime + ": " + std::strerror(errno));
}

}  // namespace fanfold::cli
