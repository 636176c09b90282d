#include "worker/plugin/plugin.hpp"

#include <cxxabi.h>
#include <dlfcn.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <typeinfo>

#include "fanfold/fingerprint.hpp"
#include "worker/plugin/elf_file.hpp"
#include "worker/plugin/sealed_copy.hpp"

/// dlopen(), which may throw: see open_library().
extern "C" void* fanfold_dlopen(const char* file, int mode) __asm__("dlopen");

namespace fanfold::worker {
namespace {

Status refused(const std::string& path, const std::string& why) {
  return {StatusCode::kInvalidArgument, "plugin '" + path + "' " + why};
}

std::string without_sanitizer(std::string fingerprint) {
  const std::size_t begin = fingerprint.find(" sanitizer=");
  if (begin == fingerprint.npos) return fingerprint;
  return fingerprint.erase(begin, fingerprint.find(' ', begin + 1) - begin);
}

Result<std::string> fingerprint_in(const std::string& file, const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const ElfFile elf, ElfFile::open(file, path));
  auto text = elf.note("fanfold", abi::kNoteType);
  if (!text) {
    return refused(path, elf.is_shared_object()
                             ? "is not a Fanfold plugin: it carries no fingerprint; build it with "
                               "fanfold_add_job() and FANFOLD_JOB()"
                             : "is not a Fanfold plugin: it is not even a shared library; give the "
                               ".so that fanfold_add_job() builds");
  }
  return *std::move(text);
}

Status check_fingerprint(const std::string& file, const std::string& path,
                         const LoadOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string theirs, fingerprint_in(file, path));
  const std::string ours = own_fingerprint();
  if (theirs == ours) return {};
  if (options.sanitizer_may_differ && without_sanitizer(theirs) == without_sanitizer(ours)) {
    return {};
  }
  return refused(path, "was built for another Fanfold: its fingerprint is '" + theirs +
                           "', this program's is '" + ours +
                           "'.\nRebuild the plugin with this program's headers and compiler.");
}

/// The loader cannot be unwound, so an exception of a static initialiser must end the process here.
/// dlopen() is declared to throw nothing: g++ terminates on that word, clang lets the exception
/// travel on.  With a declaration of our own, noexcept holds for both.
void* open_library(const std::string& file) noexcept {
  return fanfold_dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
}

/// The loader's text repeats the path; what follows it is the cause.
std::string loader_error(const std::string& path) {
  const char* text = ::dlerror();
  std::string error = text == nullptr ? "unknown error" : text;
  if (error.compare(0, path.size() + 2, path + ": ") == 0) error.erase(0, path.size() + 2);
  return error;
}

}  // namespace

Result<std::string> read_fingerprint(const std::string& path) { return fingerprint_in(path, path); }

std::string own_fingerprint() { return std::string(fanfold::kFingerprint); }

std::string describe_current_exception() {
  std::string type = "an exception of unknown type";
  if (const std::type_info* info = ::abi::__cxa_current_exception_type()) {
    int failed = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        ::abi::__cxa_demangle(info->name(), nullptr, nullptr, &failed), &std::free);
    type = name ? name.get() : info->name();
  }
  try {
    throw;
  } catch (const std::exception& exception) {
    // Some say nothing but their name.
    return type == exception.what() ? type : type + ": " + exception.what();
  } catch (const fanfold::abi::GivenBack& given) {
    return "given back: " + given.why;
  } catch (const char* text) {
    return type + ": " + (text == nullptr ? "null" : text);
  } catch (const std::string& text) {
    return "std::string: " + text;
  } catch (...) {
    return type;
  }
}

Result<const abi::Plugin*> load_plugin(const std::string& path, const LoadOptions& options) {
  // A name without a slash would be searched for in the library path.
  const std::string file = options.copy != nullptr       ? options.copy->path()
                           : path.find('/') == path.npos ? "./" + path
                                                         : path;
  FANFOLD_RETURN_IF_ERROR(check_fingerprint(file, path, options));
  try {
    void* library = open_library(file);
    if (library == nullptr) return refused(path, "does not load: " + loader_error(file));
    void* symbol = ::dlsym(library, abi::kEntryPoint);
    if (symbol == nullptr) {
      return refused(path, std::string("has no entry point '") + abi::kEntryPoint +
                               "': it needs FANFOLD_JOB(...) in one source file");
    }
    const abi::Plugin* plugin = reinterpret_cast<abi::EntryPoint>(symbol)();
    if (plugin == nullptr || plugin->api_version != abi::kApiVersion || plugin->jobs.empty()) {
      return refused(path, "describes no job of this API version; rebuild it");
    }
    return plugin;
  } catch (...) {
    // The entry point is the plugin's code: it may throw anything.
    return refused(path, "threw while it described its jobs: " + describe_current_exception());
  }
}

Result<const abi::JobInfo*> find_job(const abi::Plugin& plugin, const std::string& name,
                                     const std::string& path) {
  std::string names;
  for (const abi::JobInfo& job : plugin.jobs) {
    if (job.name == name || (name.empty() && plugin.jobs.size() == 1)) return &job;
    names += (names.empty() ? "" : ", ") + job.name;
  }
  if (name.empty()) {
    return refused(path, "holds several jobs: " + names + "; say which: " + path + ":NAME");
  }
  return refused(path, "holds no job '" + name + "'; it holds: " + names);
}

}  // namespace fanfold::worker
