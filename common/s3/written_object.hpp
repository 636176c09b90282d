// Objects being written, as files.

#pragma once

#include <string>

#include "common/io/file_system.hpp"
#include "common/s3/upload.hpp"

namespace fanfold::s3 {

/// An object that is there, whole, once the file is synced or closed, unless one is there by then.
/// What is destroyed before leaves nothing.
class WrittenObject final : public io::WritableFile {
 public:
  WrittenObject(ClientPool::Lease client, const Location& object)
      : object_(object), upload_(std::move(client), object) {}
  ~WrittenObject() override;

  Status append(std::string_view bytes) override { return upload_.append(bytes); }
  Status sync() override;
  Status close() override { return sync(); }

 private:
  const Location object_;
  Upload upload_;
  bool done_ = false;
};

/// Parts of an upload to `target`, that whoever reads its record completes.
class UnseenObject final : public io::WritableFile {
 public:
  /// Begins the upload and writes the record.
  static Result<std::unique_ptr<io::WritableFile>> create(ClientPool::Lease client,
                                                          const Location& record,
                                                          const Location& target);
  ~UnseenObject() override;

  Status append(std::string_view bytes) override { return upload_.append(bytes); }
  Status sync() override;
  Status close() override { return sync(); }

 private:
  UnseenObject(ClientPool::Lease client, Location record, const Location& target)
      : record_(std::move(record)), upload_(std::move(client), target) {}

  const Location record_;
  Upload upload_;
  bool done_ = false;
};

}  // namespace fanfold::s3
