// What comes from users' plugins and from processes that ran their code: ELF files, descriptions,
// outcomes, the page that a dead executor leaves behind, and encoded keys and values.

#include <sys/mman.h>
#include <unistd.h>
#include <fanfold/cereal.hpp>

#include <cereal/types/map.hpp>
#include <cereal/types/vector.hpp>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "tests/fuzz/target.hpp"
#include "worker/isolation/crash_report.hpp"
#include "worker/isolation/executor_frames.hpp"
#include "worker/plugin/description.hpp"
#include "worker/plugin/elf_file.hpp"

namespace fanfold::fuzz {
namespace {

/// ElfFile reads real files: this one lies in memory.
bool plugin_note(std::string_view input) {
  const int descriptor = ::memfd_create("plugin", MFD_CLOEXEC);
  promise(descriptor >= 0, "the system gives a file");
  const bool written =
      ::write(descriptor, input.data(), input.size()) == static_cast<ssize_t>(input.size());
  bool found = false;
  if (const auto file = worker::ElfFile::open("/proc/self/fd/" + std::to_string(descriptor));
      written && file.ok()) {
    found = file->note("fanfold", abi::kNoteType).has_value() && file->is_shared_object();
    for (const std::uint64_t offset :
         {std::uint64_t{0}, std::uint64_t{0x1000}, ~std::uint64_t{0}}) {
      static_cast<void>(file->function_at(file->address_of_offset(offset).value_or(offset)));
    }
  }
  ::close(descriptor);
  return found;
}

bool description(std::string_view input) {
  const Result<abi::Plugin> plugin = worker::decode_description(input);
  if (!plugin.ok()) {
    promise(plugin.status().code() != StatusCode::kOk, "a refusal has a reason");
    return false;
  }
  promise(!plugin->jobs.empty(), "a plugin has a job");
  const std::string once = worker::encode_description(*plugin);
  const Result<abi::Plugin> again = worker::decode_description(once);
  promise(again.ok() && worker::encode_description(*again) == once, "what is told can be told on");
  return true;
}

bool executor_frames(std::string_view input) {
  worker::FrameCollector collector(worker::kOutcomeFrameBytes);
  collector.add(input.substr(0, input.size() / 2));
  const auto before = worker::make_segment_list(std::vector<worker::LocalSegment>(1));
  bool good = false;
  for (int half = 0; half < 2; ++half) {
    while (true) {
      const Result<std::string> frame = collector.next();
      if (!frame.ok()) break;
      // Behind the tag and the worker's id.
      const char low = frame->size() > 10 ? (*frame)[10] : '\1';
      const AttemptId attempt{static_cast<unsigned char>(low)};
      good = worker::decode_outcome(*frame, attempt).ok() || good;
      good = worker::decode_task(*frame, before).ok() || good;
      good = worker::decode_wanted(*frame).has_value() || good;
      good = worker::decode_brought(*frame).ok() || good;
    }
    collector.add(input.substr(input.size() / 2));
  }
  return good;
}

bool crash_page(std::string_view input) {
  const auto page = std::make_unique<worker::SharedPage>();
  worker::CrashDump& dump = page->dump;
  dump.cause.store(static_cast<worker::DumpCause>(take<std::uint32_t>(input)));
  dump.signal = take<std::int32_t>(input);
  dump.code = take<std::int32_t>(input);
  dump.address = take<std::uint64_t>(input);
  dump.stack_pointer = take<std::uint64_t>(input);
  dump.frames = take<std::uint32_t>(input);
  dump.memory_map_bytes = take<std::uint32_t>(input);
  const std::size_t text = input.copy(dump.terminate_text.data(), dump.terminate_text.size());
  // The rest, or the whole again when it is short, is the memory map.
  input.copy(dump.memory_map.data(), dump.memory_map.size(), text == input.size() ? 0 : text);
  const worker::CrashReport report = worker::read_crash(*page);
  promise(report.counters.size() <= worker::kStackFrames, "a stack has its limit");
  promise(!worker::describe_signal(report, report.signal).empty(), "every end has words");
  return !report.modules.empty();
}

struct Visit {
  std::string page;
  std::uint64_t time = 0;
  bool first = false;
  std::map<std::string, std::vector<double>> weights;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(page, time, first, weights);
  }
};

template <class T>
bool key_recodes(std::string_view bytes) {
  T key{};
  Scratch scratch;
  if (!decode_key(bytes, key, scratch)) return false;
  Bytes again;
  encode_key(key, again);
  promise(again.view() == bytes, "a key has one encoding");
  return true;
}

template <class T>
bool value_recodes(std::string_view bytes) {
  T value{};
  Scratch scratch;
  if (!decode_value(bytes, value, scratch)) return false;
  Bytes once;
  encode_value(value, once);
  T back{};
  Bytes again;
  promise(decode_value(once.view(), back, scratch), "what is encoded decodes");
  encode_value(back, again);
  promise(once.view() == again.view(), "and is the same again");
  return true;
}

bool values(std::string_view input) {
  switch (take<std::uint8_t>(input) % 6) {
    case 0:
      return key_recodes<std::pair<std::string_view, std::int64_t>>(input);
    case 1:
      return key_recodes<std::vector<std::tuple<std::string, bool>>>(input);
    case 2:
      return key_recodes<std::optional<std::vector<std::optional<std::string>>>>(input);
    case 3:
      return value_recodes<std::vector<std::pair<std::string_view, std::int32_t>>>(input);
    case 4:
      return value_recodes<std::tuple<std::optional<std::string>, double, std::uint16_t>>(input);
    default:
      return value_recodes<std::vector<Visit>>(input);
  }
}

constexpr Target kTargets[] = {{"plugin_note", &plugin_note},
                               {"description", &description},
                               {"executor_frames", &executor_frames},
                               {"crash_page", &crash_page},
                               {"values", &values}};

}  // namespace

std::span<const Target> foreign_targets() { return kTargets; }

}  // namespace fanfold::fuzz
