#include "common/profile/stack_profile.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <sstream>

#include "common/core/unique_fd.hpp"

namespace fanfold {
namespace {

constexpr std::string_view kHeading = "profile 1";
constexpr const char* kEnding = ".stacks";
/// Of a process: it adds no more stacks then, but how many it leaves out.
constexpr std::uintmax_t kFileBytesMax = 256u << 20;
/// Of all stacks that are put together: some 300 MB.
constexpr std::size_t kFramesKeptMax = 16u << 20;
constexpr std::size_t kFramesMax = 1024;
constexpr std::size_t kLineBytesMax = 64u << 10;
constexpr std::size_t kModulesMax = 100'000;

struct Mapping {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t file_offset = 0;
  std::string path;
};

std::vector<Mapping> executable_mappings() {
  std::vector<Mapping> mappings;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    Mapping mapping;
    char dash = 0;
    std::string mode;
    std::string device;
    std::string inode;
    fields >> std::hex >> mapping.begin >> dash >> mapping.end >> mode >> mapping.file_offset >>
        device >> inode >> std::ws;
    std::getline(fields, mapping.path);
    if (mode.find('x') != mode.npos && mapping.path.starts_with('/')) mappings.push_back(mapping);
  }
  return mappings;
}

/// Finds or adds; there are few.
std::uint32_t module_number(StackProfile* profile, StackProfile::Module module) {
  const auto found = std::find(profile->modules.begin(), profile->modules.end(), module);
  const auto number = static_cast<std::uint32_t>(found - profile->modules.begin());
  if (found == profile->modules.end()) profile->modules.push_back(std::move(module));
  return number;
}

std::uint64_t file_bytes(const std::string& path) {
  std::error_code failed;
  const std::uintmax_t bytes = std::filesystem::file_size(path, failed);
  return failed ? 0 : bytes;
}

std::string_view next_word(std::string_view* line, char end) {
  const std::size_t size = std::min(line->find(end), line->size());
  const std::string_view word = line->substr(0, size);
  line->remove_prefix(std::min(size + 1, line->size()));
  return word;
}

std::optional<std::uint64_t> number_of(std::string_view word, int radix) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, radix);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

class Decoder {
 public:
  explicit Decoder(StackProfile* profile) : profile_(*profile) {}

  void take(std::string_view line) {
    if (line.starts_with(kHeading)) {
      numbers_.clear();
      line.remove_prefix(std::min(kHeading.size() + 1, line.size()));
      profile_.left_out += number_of(line, 10).value_or(0);
      return;
    }
    const std::string_view kind = next_word(&line, ' ');
    if (kind == "m") take_module(line);
    if (kind == "s") take_stack(line);
  }

 private:
  void take_module(std::string_view line) {
    const auto bytes = number_of(next_word(&line, ' '), 10);
    if (profile_.modules.size() >= kModulesMax) return;
    numbers_.push_back(
        module_number(&profile_, {.path = std::string(line), .bytes = bytes.value_or(0)}));
  }

  void take_stack(std::string_view line) {
    const auto stage = number_of(next_word(&line, ' '), 10);
    const auto count = number_of(next_word(&line, ' '), 10);
    const bool known = stage && *stage >= static_cast<std::uint64_t>(Stage::kSample) &&
                       *stage <= static_cast<std::uint64_t>(Stage::kGather);
    if (!known || !count) return;
    std::vector<ProfileFrame> frames;
    while (!line.empty()) {
      std::string_view word = next_word(&line, ' ');
      const std::string_view module = next_word(&word, ':');
      const auto offset = number_of(word, 16);
      const auto number = number_of(module, 10);
      if (!offset || frames.size() == kFramesMax) return;
      if (module == "-") {
        frames.push_back({.offset = *offset});
      } else if (number && *number < numbers_.size()) {
        frames.push_back({.module = numbers_[*number], .offset = *offset});
      } else {
        return;
      }
    }
    if (!frames.empty()) add(static_cast<Stage>(*stage), std::move(frames), *count);
  }

  void add(Stage stage, std::vector<ProfileFrame> frames, std::uint64_t count) {
    std::pair key{stage, std::move(frames)};
    if (const auto known = profile_.stacks.find(key); known != profile_.stacks.end()) {
      known->second += count;
    } else if (frames_kept_ + key.second.size() > kFramesKeptMax) {
      profile_.left_out += count;
    } else {
      frames_kept_ += key.second.size();
      profile_.stacks.emplace(std::move(key), count);
    }
  }

  StackProfile& profile_;
  std::vector<std::uint32_t> numbers_;  // Of the modules since the last heading.
  std::size_t frames_kept_ = 0;         // Of all stacks that were added.
};

/// All whole ones that a writer may have written.
void read_lines(const std::string& path, Decoder* decoder) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> line(kLineBytesMax);
  while (file) {
    file.getline(line.data(), static_cast<std::streamsize>(line.size()));
    if (file.eof() || file.bad()) return;  // What a crash cut off is the last.
    if (file.fail()) {
      file.clear();
      file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    } else {
      decoder->take({line.data(), static_cast<std::size_t>(file.gcount()) - 1});
    }
  }
}

std::string own_file(const std::string& directory) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return directory + "/" + host.data() + "-" + std::to_string(::getpid()) + kEnding;
}

}  // namespace

std::uint64_t StackProfile::samples() const {
  std::uint64_t sum = 0;
  for (const auto& [stack, count] : stacks) sum += count;
  return sum;
}

StackProfile locate(const std::vector<Sample>& samples, std::uint64_t left_out,
                    const LoadedAs& loaded) {
  const std::vector<Mapping> mappings = executable_mappings();
  StackProfile profile;
  profile.left_out = left_out;
  std::vector<std::uint32_t> modules;
  for (const Mapping& mapping : mappings) {
    const bool renamed = !loaded.mapped.empty() && mapping.path == loaded.mapped;
    const std::string& path = renamed ? loaded.path : mapping.path;
    modules.push_back(module_number(&profile, {.path = path, .bytes = file_bytes(path)}));
  }
  for (const Sample& sample : samples) {
    std::vector<ProfileFrame> frames;
    for (const std::uint64_t counter : sample.counters) {
      ProfileFrame frame{.offset = counter};
      for (std::size_t i = 0; i < mappings.size(); ++i) {
        if (counter < mappings[i].begin || counter >= mappings[i].end) continue;
        frame.module = modules[i];
        frame.offset = counter - mappings[i].begin + mappings[i].file_offset;
      }
      frames.push_back(frame);
    }
    profile.stacks[{sample.stage, std::move(frames)}] += sample.count;
  }
  return profile;
}

std::string encode(const StackProfile& profile) {
  std::ostringstream text;
  text << kHeading << ' ' << profile.left_out << '\n';
  for (const StackProfile::Module& module : profile.modules) {
    // A line feed in a path would end its line; nobody finds names in such a file then.
    std::string path = module.path;
    std::replace(path.begin(), path.end(), '\n', '?');
    text << "m " << module.bytes << ' ' << path << '\n';
  }
  for (const auto& [stack, count] : profile.stacks) {
    text << "s " << static_cast<unsigned>(stack.first) << ' ' << count;
    for (const ProfileFrame& frame : stack.second) {
      text << ' ';
      if (frame.module == ProfileFrame::kNowhere) {
        text << '-';
      } else {
        text << std::dec << frame.module;
      }
      text << ':' << std::hex << frame.offset << std::dec;
    }
    text << '\n';
  }
  return text.str();
}

void decode(std::string_view text, StackProfile* profile) {
  Decoder decoder(profile);
  while (true) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return;
    decoder.take(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

StackProfile take_profile(const LoadedAs& loaded) {
  const std::vector<Sample> samples = Sampler::take();
  const std::uint64_t left_out = Sampler::take_left_out();
  if (samples.empty() && left_out == 0) return {};
  return locate(samples, left_out, loaded);
}

Status append_profile(const std::string& directory, const StackProfile& profile) {
  const std::string path = own_file(directory);
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644));
  // One that was cut off may be before it.
  std::string text = '\n' + encode(profile);
  struct stat before {};
  const bool full = file.open() && ::fstat(file.get(), &before) == 0 &&
                    static_cast<std::uintmax_t>(before.st_size) + text.size() > kFileBytesMax;
  if (full) {
    StackProfile none;
    none.left_out = profile.left_out + profile.samples();
    text = '\n' + encode(none);
  }
  std::string_view rest = text;
  while (file.open() && !rest.empty()) {
    const ssize_t put = ::write(file.get(), rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
  if (!rest.empty()) {
    return {StatusCode::kIoError,
            "cannot add to the profile " + path + ": " + std::strerror(errno)};
  }
  if (full) {
    return {StatusCode::kExhausted, "the profile " + path + " is full: what comes is left out"};
  }
  return {};
}

Result<StackProfile> read_profiles(const std::string& directory) {
  std::error_code failed;
  std::filesystem::directory_iterator files(directory, failed);
  if (failed) {
    return Status(StatusCode::kNotFound,
                  "cannot read the samples in " + directory + ": " + failed.message());
  }
  StackProfile profile;
  Decoder decoder(&profile);
  for (const auto& entry : files) {
    const std::string path = entry.path();
    if (!path.ends_with(kEnding) || !entry.is_regular_file(failed)) continue;
    ++profile.files;
    read_lines(path, &decoder);
  }
  return profile;
}

}  // namespace fanfold
