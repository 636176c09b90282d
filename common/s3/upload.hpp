// Bytes on their way into an object, in parts, some of which travel while the next is filled.
//
// A multipart upload is nothing that anybody sees until it is completed, also by somebody else, who
// knows its id and its parts (UploadRecord).  What is neither completed nor aborted takes space at
// the server, so whoever begins one writes its record first.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/s3/client_pool.hpp"

namespace fanfold::s3 {

inline constexpr std::size_t kPartBytes = 8u << 20;
inline constexpr std::size_t kPartsOnTheirWay = 2;

/// What somebody has to know to complete or abort an upload.
struct UploadRecord {
  std::string key;
  std::string id;
  std::string tag;  // In the metadata of the object that it becomes.
  std::uint64_t bytes = 0;
  std::vector<std::string> parts;  // ETags.
  bool whole = false;              // All parts are at the server.
};
std::string to_text(const UploadRecord& record);
/// Total: any text gives a record or kCorruption.
Result<UploadRecord> parse_upload_record(const std::string& text);

/// Makes it an object; fine when it is one already.
Status complete_upload(Client& client, const std::string& bucket, const UploadRecord& record);
/// Whether complete_upload() has what it needs: the upload is there, or it is an object already.
Status check_upload(Client& client, const std::string& bucket, const UploadRecord& record);
/// Fine when there is no such upload.
Status abort_upload(Client& client, const std::string& bucket, const UploadRecord& record);

/// A whole object, small enough for one call.  `only_new`: kAlreadyExists when there is one, that
/// was not put there by this very call.
Status put_object(Client& client, const Location& object, std::string_view bytes, bool only_new);

class Upload {
 public:
  Upload(ClientPool::Lease client, Location target);
  Upload(const Upload&) = delete;

  /// Before the first append(), or when a part is full.
  Status begin();
  bool begun() const { return !record_.id.empty(); }
  Status append(std::string_view bytes);
  /// All that was appended is at the server, once begun; then record() is whole.
  Status finish();
  const UploadRecord& record() const { return record_; }
  /// What has not been sent, of an upload that has not begun.
  std::string_view unsent() const { return filling_; }
  Client& client() { return *client_; }

 private:
  struct Part {
    std::string bytes;
    std::size_t number = 0;  // From 0.
    std::unique_ptr<Client::Pending> pending;
  };

  std::size_t part_bytes() const;
  Status send_part();
  Status take_oldest();

  const ClientPool::Lease client_;
  const Location target_;
  UploadRecord record_;
  std::string filling_;
  std::deque<std::unique_ptr<Part>> sent_;  // After client_: they go first.
  std::vector<std::unique_ptr<Part>> spare_;
};

}  // namespace fanfold::s3
