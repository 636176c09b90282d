// Plugins and side files on their way: from a client to the master, which keeps them by their
// SHA-256, and from there to the workers that do not find them at their path.  Messages, as those
// of messages.hpp, which includes this.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/core/ids.hpp"
#include "common/proto/protocol_version.hpp"

namespace fanfold::proto {

/// Of one message: what else goes the same way waits no longer than for this.
inline constexpr std::size_t kBlobPartBytes = 256u << 10;
/// What is larger does not travel: it has to lie where all hosts see it.
inline constexpr std::uint64_t kBlobBytes = 256u << 20;

inline constexpr const char* kKeepingOfFiles = "keeping of plugins and side files";

/// A part of a file, or, without bytes, the question how much of it the master has.  One is sent at
/// a time, and again until it is answered.
struct PutBlob {
  static constexpr std::uint16_t kTag = 12;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = kKeepingOfFiles;
  std::uint32_t protocol = kProtocolVersion;
  std::string sha256;        // Hex, of the whole.
  std::uint64_t size = 0;    // Of the whole.
  std::uint64_t offset = 0;  // Of these bytes.
  std::string bytes;
};
struct BlobReply {
  static constexpr std::uint16_t kTag = 28;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = kKeepingOfFiles;
  std::string sha256;  // What it answers: these two, as in PutBlob.
  std::uint64_t offset = 0;
  std::uint64_t taken = 0;  // Bytes that the master has of it: where to go on.
  bool kept = false;        // It has all, and they are what the digest says.
  std::uint8_t code = 0;    // StatusCode; kUnavailable: this master keeps no files.
  std::string message;
};

/// A worker wants the part that begins at `offset`.
struct GetBlob {
  static constexpr std::uint16_t kTag = 48;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = kKeepingOfFiles;
  WorkerId worker;
  std::string sha256;
  std::uint64_t offset = 0;
  bool damaged =
      false;  // All of it came, and is something else: the master should look at its own.
};
struct BlobPart {
  static constexpr std::uint16_t kTag = 73;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = kKeepingOfFiles;
  std::string sha256;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // Of the whole.
  std::string bytes;
  std::uint8_t code = 0;  // StatusCode; kNotFound: the master does not have it.
  std::string message;
};

}  // namespace fanfold::proto
