// Files that lie on the hosts of workers: who is asked for them, and what is said of them.
// Messages, with their tags, as in messages.hpp.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/io/piece_reader.hpp"
#include "common/proto/protocol_version.hpp"

namespace fanfold::proto {

struct HostFile {
  std::uint32_t pattern = 0;  // Of those that were asked for.
  std::string path;           // Of the host.
  std::uint64_t size = 0;
  io::Compression compression = io::Compression::kNone;  // Of a file that was looked into.
  std::uint64_t modified_ns = 0;                         // On the clock of its host, since 1970.
};

// ---- client <-> master
/// Which files do these inputs mean, which lie on hosts?  As a job of them would be told when it is
/// submitted.  Asked again until it is answered.
struct ListInputs {
  static constexpr std::uint16_t kTag = 13;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = "looking at inputs that lie on hosts";
  std::uint32_t protocol = kProtocolVersion;
  std::vector<std::string> inputs;  // "host://NAME/path", without tags.
  std::uint64_t look_above = 0;     // Larger files are looked into: are they compressed?
};
struct InputsListed {
  static constexpr std::uint16_t kTag = 29;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = ListInputs::kFeature;
  std::vector<std::string> inputs;  // Of the question.
  std::uint8_t code = 0;            // StatusCode: why there is no list.
  std::string message;
  std::vector<HostFile> files;  // Of each input in turn; paths are "host://NAME/path".
  std::vector<std::string> notes;
};

// ---- master <-> worker
/// Which files of the worker's host match?  Asked again until it is answered.
struct ListHostFiles {
  static constexpr std::uint16_t kTag = 76;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = "inputs that lie on hosts";
  std::uint64_t request = 0;
  std::vector<std::string> patterns;  // Absolute paths, perhaps with wildcards.
  std::uint64_t look_above = 0;       // Larger files are looked into: are they compressed?
};
/// Answers ListHostFiles.
struct HostFilesListed {
  static constexpr std::uint16_t kTag = 50;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = "inputs that lie on hosts";
  WorkerId worker;
  std::uint64_t request = 0;
  std::uint8_t code = 0;  // StatusCode: why there is no list.
  std::string message;
  std::vector<HostFile> files;  // Of each pattern in turn, by path.
  std::uint64_t left_out = 0;   // Found, but cannot be read, or are no files.
  std::string left_out_first;   // Which and why.
};

}  // namespace fanfold::proto
