// File systems that do what the real one does, within bounds: a disk that becomes full, and one
// that counts what is open.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/io/file_system.hpp"

namespace fanfold::worker {

class WrappedFileSystem : public io::FileSystem {
 public:
  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override {
    return real_.open(path);
  }
  Result<std::unique_ptr<io::WritableFile>> create(const std::string& path) override {
    return real_.create(path);
  }
  Result<io::FileInfo> stat(const std::string& path) override { return real_.stat(path); }
  Status check_readable(const std::string& path) override { return real_.check_readable(path); }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return real_.list(path);
  }
  Status make_directories(const std::string& path) override { return real_.make_directories(path); }
  Status make_directory(const std::string& path) override { return real_.make_directory(path); }
  Status rename(const std::string& from, const std::string& to) override {
    return real_.rename(from, to);
  }
  Status publish(const std::string& from, const std::string& to, io::Replace replace) override {
    return real_.publish(from, to, replace);
  }
  Status hard_link_or_copy(const std::string& from, const std::string& to) override {
    return real_.hard_link_or_copy(from, to);
  }
  Status remove_file(const std::string& path) override { return real_.remove_file(path); }
  Status remove_tree(const std::string& path) override { return real_.remove_tree(path); }
  Status sync_directory(const std::string& path) override { return real_.sync_directory(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    return real_.free_bytes(path);
  }

 private:
  io::FileSystem& real_ = io::posix_file_system();
};

/// Takes so many bytes, then none.
class SmallDisk final : public WrappedFileSystem {
 public:
  explicit SmallDisk(std::uint64_t bytes) : left_(bytes) {}

  Result<std::unique_ptr<io::WritableFile>> create(const std::string& path) override {
    FANFOLD_ASSIGN_OR_RETURN(auto file, WrappedFileSystem::create(path));
    return std::unique_ptr<io::WritableFile>(new File(*this, path, std::move(file)));
  }
  std::uint64_t written() const { return written_; }

 private:
  class File final : public io::WritableFile {
   public:
    File(SmallDisk& disk, std::string path, std::unique_ptr<io::WritableFile> real)
        : disk_(disk), path_(std::move(path)), real_(std::move(real)) {}
    Status append(std::string_view bytes) override {
      if (bytes.size() > disk_.left_) {
        disk_.left_ = 0;
        return {StatusCode::kNoSpace, "cannot write " + path_ + ": no space left on device"};
      }
      disk_.left_ -= bytes.size();
      disk_.written_ += bytes.size();
      return real_->append(bytes);
    }
    Status sync() override { return real_->sync(); }
    Status close() override { return real_->close(); }

   private:
    SmallDisk& disk_;
    const std::string path_;
    std::unique_ptr<io::WritableFile> real_;
  };

  std::uint64_t left_;
  std::uint64_t written_ = 0;
};

/// Knows what is read, and how many files are open for that.
class CountingFileSystem final : public WrappedFileSystem {
 public:
  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override {
    FANFOLD_ASSIGN_OR_RETURN(auto file, WrappedFileSystem::open(path));
    ++opened_;
    most_open_ = std::max(most_open_, ++open_);
    return std::unique_ptr<io::ReadableFile>(new File(*this, std::move(file)));
  }
  std::size_t open_now() const { return open_; }
  std::size_t most_open() const { return most_open_; }
  /// Since the beginning.
  std::size_t opened() const { return opened_; }
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  class File final : public io::ReadableFile {
   public:
    File(CountingFileSystem& files, std::unique_ptr<io::ReadableFile> real)
        : files_(files), real_(std::move(real)) {}
    ~File() override { --files_.open_; }
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
      FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, real_->read_at(offset, buffer));
      files_.bytes_read_ += count;
      return count;
    }
    Result<std::uint64_t> size() override { return real_->size(); }

   private:
    CountingFileSystem& files_;
    std::unique_ptr<io::ReadableFile> real_;
  };

  std::size_t open_ = 0;
  std::size_t most_open_ = 0;
  std::size_t opened_ = 0;
  std::uint64_t bytes_read_ = 0;
};

}  // namespace fanfold::worker
