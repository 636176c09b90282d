#include "tests/chaos/output_watcher.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "common/io/manifest.hpp"

namespace fanfold::chaos {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kComplaintsMax = 20;
constexpr std::size_t kEventBytes = 64u << 10;
/// Between two looks: often enough to fall into any publication of more than one step.
constexpr int kLookMilliseconds = 5;

std::string describe(std::uint32_t mask) {
  std::string text;
  for (const auto& [bit, name] : {std::pair{IN_CREATE, "created"},
                                  {IN_DELETE, "deleted"},
                                  {IN_MODIFY, "written"},
                                  {IN_MOVED_FROM, "moved away"},
                                  {IN_MOVED_TO, "moved in"},
                                  {IN_ATTRIB, "changed mode"}}) {
    if ((mask & static_cast<std::uint32_t>(bit)) != 0)
      text += (text.empty() ? "" : " and ") + std::string(name);
  }
  return text;
}

}  // namespace

OutputWatcher::OutputWatcher(const std::string& directory)
    : parent_(fs::path(directory).parent_path().string()),
      name_(fs::path(directory).filename().string()),
      events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (events_ >= 0) {
    parent_watch_ = ::inotify_add_watch(events_, parent_.c_str(),
                                        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
  }
  if (parent_watch_ < 0 || stop_ < 0) {
    throw std::runtime_error("cannot watch " + parent_ + ": " + std::strerror(errno));
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

OutputWatcher::~OutputWatcher() {
  finish();
  ::close(events_);
  ::close(stop_);
}

std::vector<std::string> OutputWatcher::finish() {
  if (thread_.joinable()) {
    thread_.request_stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(stop_, &one, sizeof one);
    thread_.join();
  }
  return complaints_;
}

void OutputWatcher::watch(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waits[] = {{events_, POLLIN, 0}, {stop_, POLLIN, 0}};
    static_cast<void>(::poll(waits, 2, kLookMilliseconds));
    read_events();
    look();
  }
  read_events();
  look();
}

void OutputWatcher::read_events() {
  alignas(inotify_event) char buffer[kEventBytes];
  for (;;) {
    const ssize_t got = ::read(events_, buffer, sizeof buffer);
    if (got <= 0) return;
    for (const char* at = buffer; at < buffer + got;) {
      inotify_event event;
      std::memcpy(&event, at, sizeof event);
      const std::string subject = event.len > 0 ? at + sizeof event : "";
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) complain("the kernel dropped events: look less");
      if (event.wd == output_watch_ && (event.mask & IN_IGNORED) == 0) {
        complain("'" + subject + "' in it was " + describe(event.mask) + " after publication");
      }
      if (event.wd != parent_watch_ || subject != name_) continue;
      if ((event.mask & IN_MOVED_TO) != 0 && !appeared_) {
        output_watch_ =
            ::inotify_add_watch(events_, (parent_ + "/" + name_).c_str(),
                                IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO);
        appeared_ = true;
      } else {
        complain("it was " + describe(event.mask) + " where one rename publishes it");
      }
    }
  }
}

void OutputWatcher::look() {
  ++looks_;
  const std::string directory = parent_ + "/" + name_;
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    if (appeared_) complain("it disappeared");
    return;
  }
  const auto manifest = io::read_manifest(io::posix_file_system(), directory);
  if (!manifest.ok()) {
    complain("it is there without a manifest: " + manifest.status().message());
    return;
  }
  std::set<std::string> expected = {io::kManifestName};
  for (const io::PartInfo& part : manifest->files) {
    expected.insert(part.name);
    const std::string path = directory + "/" + part.name;
    if (::stat(path.c_str(), &info) != 0) {
      complain(part.name + " of the manifest is missing");
    } else if (static_cast<std::uint64_t>(info.st_size) != part.bytes) {
      complain(part.name + " has " + std::to_string(info.st_size) + " bytes, the manifest says " +
               std::to_string(part.bytes));
    }
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (expected.erase(name) == 0) complain(name + " is not of the manifest");
  }
}

void OutputWatcher::complain(const std::string& what) {
  if (complaints_.size() < kComplaintsMax) complaints_.push_back("output " + name_ + ": " + what);
}

}  // namespace fanfold::chaos
