#include "master/blobs/blob_store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "common/core/check.hpp"
#include "common/digest/sha256.hpp"

namespace fanfold::master {
namespace {

constexpr std::string_view kPartPrefix = "part-";
constexpr std::size_t kReadBytes = 1u << 20;

std::string mebibytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

/// kCorruption: the file is something else than its digest says.
Status compare(io::FileSystem& files, const std::string& path, const std::string& sha256) {
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<io::ReadableFile> file, files.open(path));
  std::vector<char> buffer(kReadBytes);
  Sha256 digest;
  for (std::uint64_t offset = 0;;) {
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t got, file->read_at(offset, buffer));
    digest.add({buffer.data(), got});
    offset += got;
    if (got < buffer.size()) break;
  }
  if (digest.finish() == sha256) return {};
  return {StatusCode::kCorruption, path + " is not what its digest says"};
}

Status keep(io::FileSystem& files, io::WritableFile& part, const std::string& path,
            const std::string& sha256, const std::string& kept) {
  FANFOLD_RETURN_IF_ERROR(part.sync());
  FANFOLD_RETURN_IF_ERROR(part.close());
  // Of what will be read, not of what was said.
  FANFOLD_RETURN_IF_ERROR(compare(files, path, sha256));
  FANFOLD_RETURN_IF_ERROR(files.rename(path, kept));
  return files.sync_directory(kept.substr(0, kept.rfind('/')));
}

}  // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(io::FileSystem& files, std::string directory,
                                                   const Limits& limits) {
  // FileSystem makes directories that others may read; this is users' data.
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return Status(StatusCode::kIoError,
                  "cannot make the directory " + directory + ": " + std::strerror(errno));
  }
  if (::chmod(directory.c_str(), 0700) != 0) {
    return Status(StatusCode::kIoError,
                  "cannot keep others out of " + directory + ": " + std::strerror(errno));
  }
  std::unique_ptr<BlobStore> store(new BlobStore(files, std::move(directory), limits));
  FANFOLD_RETURN_IF_ERROR(store->take_over());
  return store;
}

Status BlobStore::take_over() {
  FANFOLD_ASSIGN_OR_RETURN(const auto entries, files_.list_with_info(directory_));
  for (const io::FileSystem::Entry& entry : entries) {
    // What cannot be removed stays, and is tried again by the next master.
    if (entry.name.starts_with(kPartPrefix)) {
      static_cast<void>(files_.remove_tree(directory_ + "/" + entry.name));
    }
    if (!is_sha256(entry.name) || !entry.info.ok()) continue;
    if (entry.info->kind != io::FileKind::kFile) continue;
    blobs_[entry.name] = {.size = entry.info->size, .used = ++uses_, .touched = {}};
    bytes_kept_ += entry.info->size;
  }
  return {};
}

std::optional<std::uint64_t> BlobStore::size_of(const std::string& sha256) const {
  const auto found = blobs_.find(sha256);
  if (found == blobs_.end()) return std::nullopt;
  return found->second.size;
}

void BlobStore::touch(const std::string& sha256, Instant now) {
  const auto found = blobs_.find(sha256);
  if (found == blobs_.end()) return;
  found->second.used = ++uses_;
  found->second.touched = now;
}

Result<std::string> BlobStore::read(const std::string& sha256, std::uint64_t offset,
                                    std::size_t bytes_max) const {
  const std::uint64_t size = size_of(sha256).value_or(0);
  if (offset > size) {
    return Status(StatusCode::kInvalidArgument, "there are only " + std::to_string(size) +
                                                    " bytes of " + sha256 + ", not " +
                                                    std::to_string(offset));
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<io::ReadableFile> file,
                           files_.open(path_of(sha256)));
  std::string bytes(std::min<std::uint64_t>(bytes_max, size - offset), '\0');
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t got, file->read_at(offset, bytes));
  if (got == bytes.size()) return bytes;
  return Status(StatusCode::kCorruption, path_of(sha256) + " is shorter than it was");
}

const BlobStore::Upload* BlobStore::find(const std::string& owner,
                                         const std::string& sha256) const {
  const auto found = parts_.find({owner, sha256});
  return found == parts_.end() ? nullptr : &found->second;
}

std::uint64_t BlobStore::bytes_under_way(const std::string& owner) const {
  std::uint64_t bytes = 0;
  for (const auto& [key, part] : parts_) {
    if (key.first == owner) bytes += part.size;
  }
  return bytes;
}

void BlobStore::drop(std::map<Key, Part>::iterator part) {
  // Nobody is left to tell; the next master removes what is left of it.
  static_cast<void>(files_.remove_file(part->second.path));
  parts_.erase(part);
}

void BlobStore::forget(const std::string& owner, const std::string& sha256) {
  const auto found = parts_.find({owner, sha256});
  if (found != parts_.end() && !found->second.ending) drop(found);
}

void BlobStore::expire(Instant now) {
  for (auto part = parts_.begin(); part != parts_.end();) {
    const auto next = std::next(part);
    if (!part->second.ending && now - part->second.heard >= limits_.patience) drop(part);
    part = next;
  }
}

Status BlobStore::refuse_for_uploads(const std::string& owner) const {
  const auto of_owner = static_cast<std::size_t>(std::count_if(
      parts_.begin(), parts_.end(), [&](const auto& one) { return one.first.first == owner; }));
  if (parts_.size() < limits_.uploads && of_owner < limits_.uploads_of_owner) return {};
  return {StatusCode::kExhausted,
          std::to_string(parts_.size()) +
              " plugins and side files are on their way to the master; try again when some are "
              "there"};
}

Result<BlobStore::Load> BlobStore::load_with(std::uint64_t size) const {
  Load load;
  load.bytes = bytes_kept_ + size;
  load.blobs = blobs_.size() + parts_.size() + 1;
  std::uint64_t coming = size;
  for (const auto& [key, part] : parts_) {
    load.bytes += part.size;
    coming += part.size - part.taken;
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t free, files_.free_bytes(directory_));
  load.free = free - std::min(free, coming);
  return load;
}

Status BlobStore::refuse_for(const Load& load) const {
  if (load.bytes > limits_.bytes || load.blobs > limits_.blobs) {
    return {StatusCode::kExhausted,
            "the master keeps at most " + mebibytes(limits_.bytes) + " and " +
                std::to_string(limits_.blobs) +
                " plugins and side files, and those that are there are needed, or came lately; "
                "wait for jobs to end"};
  }
  if (load.free >= limits_.bytes_free) return {};
  return {StatusCode::kNoSpace,
          "the disk of " + directory_ + " has no room for it; the master leaves " +
              mebibytes(limits_.bytes_free) + " free for what it has to record"};
}

bool BlobStore::is_ending(const std::string& sha256) const {
  return std::any_of(parts_.begin(), parts_.end(), [&](const auto& one) {
    return one.first.second == sha256 && one.second.ending;
  });
}

/// First it is seen whether enough may go, and then it goes.
Status BlobStore::make_room(std::uint64_t size, const Named& named, Instant now) {
  FANFOLD_ASSIGN_OR_RETURN(Load load, load_with(size));
  Status refused = refuse_for(load);
  if (refused.ok()) return {};
  const std::set<std::string> needed = named();
  std::vector<std::map<std::string, Blob>::iterator> others;
  for (auto blob = blobs_.begin(); blob != blobs_.end(); ++blob) {
    const std::optional<Instant>& touched = blob->second.touched;
    const bool lately = touched && now - *touched < limits_.grace;
    if (!lately && !needed.contains(blob->first) && !is_ending(blob->first)) others.push_back(blob);
  }
  std::sort(others.begin(), others.end(), [](const auto& one, const auto& other) {
    return one->second.used < other->second.used;
  });
  std::size_t going = 0;
  for (; !refused.ok() && going < others.size(); ++going) {
    load.bytes -= others[going]->second.size;
    load.free += others[going]->second.size;
    --load.blobs;
    refused = refuse_for(load);
  }
  if (!refused.ok()) return refused;
  for (std::size_t i = 0; i < going; ++i) remove(others[i]);
  return {};
}

void BlobStore::remove(std::map<std::string, Blob>::iterator blob) {
  bytes_kept_ -= blob->second.size;
  // One that stays is taken over by the next master.
  static_cast<void>(files_.remove_file(path_of(blob->first)));
  blobs_.erase(blob);
}

Status BlobStore::begin(const std::string& owner, const std::string& sha256, std::uint64_t size,
                        const Named& named, Instant now) {
  FANFOLD_CHECK(is_sha256(sha256) && find(owner, sha256) == nullptr);
  FANFOLD_RETURN_IF_ERROR(refuse_for_uploads(owner));
  FANFOLD_RETURN_IF_ERROR(make_room(size, named, now));
  Part part;
  part.size = size;
  part.path = directory_ + "/" + std::string(kPartPrefix) + std::to_string(++parts_made_);
  part.heard = now;
  FANFOLD_ASSIGN_OR_RETURN(part.file, files_.create(part.path));
  parts_.emplace(Key(owner, sha256), std::move(part));
  return {};
}

Status BlobStore::append(const std::string& owner, const std::string& sha256,
                         std::string_view bytes, Instant now) {
  const auto found = parts_.find({owner, sha256});
  FANFOLD_CHECK(found != parts_.end() && !found->second.ending);
  Part& part = found->second;
  FANFOLD_CHECK(bytes.size() <= part.size - part.taken);
  if (Status status = part.file->append(bytes); !status.ok()) {
    drop(found);
    return status;
  }
  part.taken += bytes.size();
  part.heard = now;
  return {};
}

std::function<BlobDone()> BlobStore::end(const std::string& owner, const std::string& sha256) {
  const auto found = parts_.find({owner, sha256});
  FANFOLD_CHECK(found != parts_.end() && !found->second.ending &&
                found->second.taken == found->second.size);
  found->second.ending = true;
  // Shared with nobody: the work may be copied, and runs once.
  const std::shared_ptr<io::WritableFile> file = std::move(found->second.file);
  return [&files = files_, file, path = found->second.path, kept = path_of(sha256), owner, sha256] {
    return BlobDone{owner, sha256, false, keep(files, *file, path, sha256, kept)};
  };
}

std::function<BlobDone()> BlobStore::check(const std::string& sha256) const {
  return [&files = files_, path = path_of(sha256), sha256] {
    return BlobDone{{}, sha256, true, compare(files, path, sha256)};
  };
}

void BlobStore::done(const BlobDone& done, Instant now) {
  const auto kept = blobs_.find(done.sha256);
  if (done.checked) {
    // A disk that is in trouble now may have it still.
    const bool gone = done.outcome.code() == StatusCode::kCorruption ||
                      done.outcome.code() == StatusCode::kNotFound;
    if (gone && kept != blobs_.end() && !is_ending(done.sha256)) remove(kept);
    return;
  }
  const auto found = parts_.find({done.owner, done.sha256});
  FANFOLD_CHECK(found != parts_.end() && found->second.ending);
  if (!done.outcome.ok()) return drop(found);
  // Another owner may have uploaded the same.
  if (kept == blobs_.end()) {
    blobs_[done.sha256].size = found->second.size;
    bytes_kept_ += found->second.size;
  }
  touch(done.sha256, now);
  parts_.erase(found);
}

}  // namespace fanfold::master
