#include "sim/doors/disk_view.hpp"

#include <algorithm>
#include <filesystem>

namespace fanfold::sim {
namespace {

constexpr std::uint64_t kFreeBytes = 1u << 30;

Status not_found(const std::string& path) {
  return {StatusCode::kNotFound, path + ": no such file or directory"};
}

Status exists(const std::string& path) { return {StatusCode::kAlreadyExists, path + ": exists"}; }

/// Without ".." and "."; there are no links that could make that wrong.
std::string resolved(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

class OpenedForReading final : public io::ReadableFile {
 public:
  OpenedForReading(DiskView& view, std::string path, std::shared_ptr<FileBytes> file)
      : view_(view), path_(std::move(path)), file_(std::move(file)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    FANFOLD_RETURN_IF_ERROR(view_.meet_fate(path_, false));
    const std::string& bytes = file_->bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t count =
        std::min<std::size_t>(buffer.size(), bytes.size() - static_cast<std::size_t>(offset));
    std::copy_n(bytes.data() + offset, count, buffer.data());
    return count;
  }
  Result<std::uint64_t> size() override { return std::uint64_t{file_->bytes.size()}; }

 private:
  DiskView& view_;
  const std::string path_;
  const std::shared_ptr<FileBytes> file_;
};

class OpenedForWriting final : public io::WritableFile {
 public:
  OpenedForWriting(DiskView& view, Disks& disks, std::string path, std::shared_ptr<FileBytes> file)
      : view_(view), disks_(disks), path_(std::move(path)), file_(std::move(file)) {}

  Status append(std::string_view bytes) override {
    const Status fate = view_.meet_fate(path_, true);
    // A full disk takes what fits.
    if (fate.code() == StatusCode::kNoSpace) file_->bytes.append(bytes.substr(0, bytes.size() / 2));
    FANFOLD_RETURN_IF_ERROR(fate);
    file_->bytes.append(bytes);
    disks_.tell(path_);
    return {};
  }
  Status sync() override {
    FANFOLD_RETURN_IF_ERROR(view_.meet_fate(path_, true));
    file_->synced = file_->bytes.size();
    return {};
  }
  Status close() override { return view_.meet_fate(path_, false); }

 private:
  DiskView& view_;
  Disks& disks_;
  const std::string path_;
  const std::shared_ptr<FileBytes> file_;
};

}  // namespace

Status DiskView::meet_fate(const std::string& path, bool writes) {
  if (left_) {
    if (*left_ == 0) return {StatusCode::kIoError, path + ": the process is dead"};
    --*left_;
  }
  const Fault error{FaultKind::kDiskError, process_, 0, ++operations_};
  if (world_.faults.happens(error)) return {StatusCode::kIoError, path + ": input/output error"};
  if (writes && disks_.full(path)) {
    return {StatusCode::kNoSpace, path + ": no space left on device"};
  }
  return {};
}

Status DiskView::expect_directory(const std::string& path) {
  const Disks::Entry* entry = disks_.find(path);
  if (entry == nullptr) return not_found(path);
  if (!entry->directory) return {StatusCode::kIoError, path + ": not a directory"};
  return {};
}

Result<std::unique_ptr<io::ReadableFile>> DiskView::open(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, false));
  const Disks::Entry* entry = disks_.find(path);
  if (entry == nullptr) return not_found(path);
  if (entry->directory) return Status(StatusCode::kIoError, path + ": is a directory");
  return std::unique_ptr<io::ReadableFile>(
      std::make_unique<OpenedForReading>(*this, path, entry->file));
}

Result<std::unique_ptr<io::WritableFile>> DiskView::create(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, true));
  FANFOLD_RETURN_IF_ERROR(expect_directory(parent_of(path)));
  if (disks_.find(path) != nullptr) return exists(path);
  auto file = std::make_shared<FileBytes>();
  file->writer = process_;
  disks_.add(path, {false, disks_.new_inode(), file}, process_);
  return std::unique_ptr<io::WritableFile>(
      std::make_unique<OpenedForWriting>(*this, disks_, path, file));
}

Result<io::FileInfo> DiskView::stat(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, false));
  const Disks::Entry* entry = disks_.find(resolved(path));
  if (entry == nullptr) return not_found(path);
  io::FileInfo info;
  info.kind = entry->directory ? io::FileKind::kDirectory : io::FileKind::kFile;
  info.size = entry->file != nullptr ? entry->file->bytes.size() : 0;
  info.inode = entry->inode;
  info.open_to_all = true;
  return info;
}

Status DiskView::check_readable(const std::string& path) { return stat(path).status(); }

Result<std::vector<std::string>> DiskView::list(const std::string& directory) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(directory, false));
  FANFOLD_RETURN_IF_ERROR(expect_directory(directory));
  return disks_.children(directory);
}

Status DiskView::make_directories(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, true));
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    const Disks::Entry* entry = disks_.find(part);
    if (entry == nullptr) {
      disks_.add(part, {true, disks_.new_inode(), nullptr}, process_);
    } else if (!entry->directory) {
      return exists(part);
    }
    if (slash == std::string::npos) return {};
  }
}

Status DiskView::make_directory(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, true));
  FANFOLD_RETURN_IF_ERROR(expect_directory(parent_of(path)));
  const Disks::Entry* entry = disks_.find(path);
  if (entry != nullptr) return entry->directory ? Status() : exists(path);
  disks_.add(path, {true, disks_.new_inode(), nullptr}, process_);
  return {};
}

Status DiskView::rename(const std::string& from, const std::string& to) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(from, true));
  if (disks_.find(from) == nullptr) return not_found(from);
  FANFOLD_RETURN_IF_ERROR(expect_directory(parent_of(to)));
  if (disks_.find(to) != nullptr) disks_.remove(to, process_);
  disks_.move(from, to, process_);
  return {};
}

Status DiskView::publish(const std::string& from, const std::string& to, io::Replace replace) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(from, true));
  if (disks_.find(from) == nullptr) return not_found(from);
  FANFOLD_RETURN_IF_ERROR(expect_directory(parent_of(to)));
  if (disks_.find(to) == nullptr) {
    disks_.move(from, to, process_);
  } else if (replace == io::Replace::kNever) {
    return exists(to);
  } else {
    disks_.exchange(from, to, process_);
  }
  return {};
}

Status DiskView::hard_link_or_copy(const std::string& from, const std::string& to) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(to, true));
  const Disks::Entry* entry = disks_.find(from);
  if (entry == nullptr) return not_found(from);
  FANFOLD_RETURN_IF_ERROR(expect_directory(parent_of(to)));
  if (disks_.find(to) != nullptr) return exists(to);
  disks_.add(to, *entry, process_);
  return {};
}

Status DiskView::remove_file(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, false));
  if (disks_.find(path) == nullptr) return not_found(path);
  disks_.remove(path, process_);
  return {};
}

Status DiskView::remove_tree(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, false));
  if (disks_.find(path) != nullptr) disks_.remove(path, process_);
  return {};
}

Status DiskView::sync_directory(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, false));
  FANFOLD_RETURN_IF_ERROR(expect_directory(path));
  disks_.sync_names(path, process_);
  return {};
}

Result<std::uint64_t> DiskView::free_bytes(const std::string& path) {
  FANFOLD_RETURN_IF_ERROR(meet_fate(path, false));
  return disks_.full(path) ? std::uint64_t{0} : kFreeBytes;
}

}  // namespace fanfold::sim
