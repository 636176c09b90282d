// A file system that stops working at a chosen change: what a crash, a full disk or an unplugged
// cable leaves behind at that point can then be looked at through the real one.

#pragma once

#include <memory>
#include <string>

#include "common/io/file_system.hpp"

namespace fanfold::io {

class FailingFileSystem : public FileSystem {
 public:
  /// Changes before number `failing` (from 1) work, that one and all later ones fail.  0: none.
  FailingFileSystem(FileSystem& real, int failing) : real_(real), failing_(failing) {}

  int changes() const { return changes_; }
  bool failed() const { return failing_ != 0 && changes_ >= failing_; }

  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    return real_.open(path);
  }
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override;
  Result<FileInfo> stat(const std::string& path) override { return real_.stat(path); }
  Status check_readable(const std::string& path) override { return real_.check_readable(path); }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return real_.list(path);
  }
  Status make_directories(const std::string& path) override {
    return change() ? real_.make_directories(path) : failure();
  }
  Status make_directory(const std::string& path) override {
    return change() ? real_.make_directory(path) : failure();
  }
  Status rename(const std::string& from, const std::string& to) override {
    return change() ? real_.rename(from, to) : failure();
  }
  Status publish(const std::string& from, const std::string& to, Replace replace) override {
    return change() ? real_.publish(from, to, replace) : failure();
  }
  Status hard_link_or_copy(const std::string& from, const std::string& to) override {
    return change() ? real_.hard_link_or_copy(from, to) : failure();
  }
  Status remove_file(const std::string& path) override {
    return change() ? real_.remove_file(path) : failure();
  }
  Status remove_tree(const std::string& path) override {
    return change() ? real_.remove_tree(path) : failure();
  }
  Status sync_directory(const std::string& path) override {
    return change() ? real_.sync_directory(path) : failure();
  }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    return real_.free_bytes(path);
  }

  /// Counts a change; false when it must fail.
  bool change() {
    ++changes_;
    return !failed();
  }
  static Status failure() { return Status(StatusCode::kIoError, "the file system is gone"); }

 private:
  FileSystem& real_;
  const int failing_;
  int changes_ = 0;
};

class FailingFile final : public WritableFile {
 public:
  FailingFile(std::unique_ptr<WritableFile> real, FailingFileSystem& files)
      : real_(std::move(real)), files_(files) {}
  Status append(std::string_view bytes) override {
    if (files_.change()) return real_->append(bytes);
    // A torn write: the front of it arrives.
    static_cast<void>(real_->append(bytes.substr(0, bytes.size() / 2)).ok());
    return FailingFileSystem::failure();
  }
  Status sync() override { return files_.change() ? real_->sync() : FailingFileSystem::failure(); }
  Status close() override {
    return files_.change() ? real_->close() : FailingFileSystem::failure();
  }

 private:
  std::unique_ptr<WritableFile> real_;
  FailingFileSystem& files_;
};

inline Result<std::unique_ptr<WritableFile>> FailingFileSystem::create(const std::string& path) {
  if (!change()) return failure();
  FANFOLD_ASSIGN_OR_RETURN(auto file, real_.create(path));
  return std::unique_ptr<WritableFile>(new FailingFile(std::move(file), *this));
}

}  // namespace fanfold::io
