#include "common/s3/s3_file_system.hpp"

#include <algorithm>
#include <utility>

#include "common/core/clock.hpp"
#include "common/s3/listing.hpp"
#include "common/s3/object_file.hpp"
#include "common/s3/removal.hpp"
#include "common/s3/upload.hpp"
#include "common/s3/written_object.hpp"

namespace fanfold::s3 {
namespace {

using io::FileInfo;
using io::FileKind;

constexpr Duration kRefusalKept = std::chrono::seconds(10);

Status cannot_rename(const std::string& path) {
  return {StatusCode::kInvalidArgument,
          "cannot rename or link " + path + ": an object store has no such thing"};
}

Location record_of(Location path) {
  path.key += kRecordSuffix;
  return path;
}

/// A HEAD of a key, and what it found.
struct Head {
  bool found = false;
  FileInfo info;
};

class S3FileSystem final : public io::FileSystem {
 public:
  explicit S3FileSystem(Variables variables) : variables_(std::move(variables)) {}

  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override;
  Result<std::unique_ptr<io::ReadableFile>> open_version(const std::string& path,
                                                         const std::string& version) override;
  Result<FileInfo> stat(const std::string& path) override;
  Status check_readable(const std::string& path) override { return stat(path).status(); }
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<std::vector<Entry>> list_with_info(const std::string& directory) override {
    return list_matching(directory, {"", [](const std::string&) { return true; }});
  }
  Result<std::vector<Entry>> list_matching(const std::string& directory,
                                           const NameFilter& filter) override;

  Result<std::unique_ptr<io::WritableFile>> create(const std::string& path) override;
  Result<std::unique_ptr<io::WritableFile>> create_unseen(const std::string& path,
                                                          const std::string& target) override;
  Status check_unseen(const std::string& path, const std::string& target) override;
  Status reveal(const std::string& path, const std::string& target) override;
  bool renames(const std::string&) override { return false; }
  Status make_directories(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string&) override {
    return cannot_rename(from);
  }
  Status publish(const std::string& from, const std::string&, io::Replace) override {
    return cannot_rename(from);
  }
  Status hard_link_or_copy(const std::string& from, const std::string&) override {
    return cannot_rename(from);
  }
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status sync_directory(const std::string&) override { return Status(); }
  Result<std::uint64_t> free_bytes(const std::string&) override { return UINT64_MAX; }

 private:
  Result<ClientPool::Lease> client();
  Status make_pool() FANFOLD_REQUIRES(mutex_);
  static Result<UploadRecord> read_record(Client& client, const std::string& path,
                                          const std::string& target);
  static Result<Head> look_at(Client& client, const Location& location);

  const Variables variables_;
  Mutex mutex_;
  std::optional<ClientPool> pool_ FANFOLD_GUARDED_BY(mutex_);
  Status refusal_ FANFOLD_GUARDED_BY(mutex_);    // What is said until next_ask_.
  Instant next_ask_ FANFOLD_GUARDED_BY(mutex_);  // For credentials that are not here.
};

/// Of a host whose credentials are its cloud's, that is where the buckets are, most likely.
Status ask_for_region(CredentialSource& source, Settings* settings) {
  if (!settings->are_given()) return {};
  FANFOLD_ASSIGN_OR_RETURN(const auto session, HttpSession::make());
  FANFOLD_RETURN_IF_ERROR(source.current(*session).status());
  if (settings->metadata.empty() || settings->region_named || !settings->endpoint.empty()) {
    return {};
  }
  const auto region = source.region(*session);
  if (region.ok()) settings->region = *region;
  // Another region would be taken for good, and all that is asked of it refused.
  return region.ok() || region.status().code() == StatusCode::kNotFound ? Status()
                                                                        : region.status();
}

Status S3FileSystem::make_pool() {
  // A host without a cloud would wait anew at each path.
  if (steady_clock().now() < next_ask_) return refusal_;
  FANFOLD_ASSIGN_OR_RETURN(Settings settings, read_settings(variables_));
  auto source = std::make_shared<CredentialSource>(settings);
  Status status = ask_for_region(*source, &settings);
  if (!status.ok()) {
    refusal_ = status;
    next_ask_ = steady_clock().now() + kRefusalKept;
    return status;
  }
  pool_.emplace(std::move(settings), std::move(source));
  return {};
}

Result<ClientPool::Lease> S3FileSystem::client() {
  ClientPool* pool = nullptr;
  {
    MutexLock lock(mutex_);
    if (!pool_) FANFOLD_RETURN_IF_ERROR(make_pool());
    pool = &*pool_;
  }
  return pool->lend();
}

Result<Head> S3FileSystem::look_at(Client& client, const Location& location) {
  Call call;
  call.method = "HEAD";
  call.object = location;
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  Head head;
  if (answer.status == 404) return head;
  if (!answer.ok()) {
    // An answer to HEAD has no body that says why: ask for one.
    call.method = "GET";
    call.headers = {{"range", "bytes=0-0"}};
    FANFOLD_ASSIGN_OR_RETURN(const Answer spoken, client.perform(call));
    return client.refusal(call, spoken.ok() ? answer : spoken);
  }
  head.found = true;
  head.info.size = std::strtoull(answer.header("content-length").c_str(), nullptr, 10);
  head.info.version = answer.header("etag");
  head.info.open_to_all = true;
  return head;
}

Result<std::unique_ptr<io::ReadableFile>> S3FileSystem::open(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(ClientPool::Lease lease, client());
  Head head;
  if (!location.key.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(head, look_at(*lease, location));
  }
  if (!head.found) {
    FANFOLD_RETURN_IF_ERROR(stat(path).status());
    return Status(StatusCode::kInvalidArgument, "cannot open " + path + ": it is no object");
  }
  return std::unique_ptr<io::ReadableFile>(
      new ObjectFile(std::move(lease), {path, location, head.info.version, head.info.size}));
}

Result<std::unique_ptr<io::ReadableFile>> S3FileSystem::open_version(const std::string& path,
                                                                     const std::string& version) {
  if (version.empty()) return open(path);
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(ClientPool::Lease lease, client());
  return std::unique_ptr<io::ReadableFile>(
      new ObjectFile(std::move(lease), {path, location, version, std::nullopt}));
}

Result<FileInfo> S3FileSystem::stat(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(const ClientPool::Lease lease, client());
  Head head;
  if (!location.key.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(head, look_at(*lease, location));
  }
  ListOptions options;
  options.prefix = prefix_below(location);
  options.at_most = 1;
  FANFOLD_ASSIGN_OR_RETURN(const Listing below, list_objects(*lease, location.bucket, options));
  if (head.found && below.objects.empty()) return head.info;
  if (head.found && head.info.size != 0) {
    return Status(StatusCode::kInvalidArgument,
                  path + " is an object, and others lie below " + path +
                      "/: no path can say which is meant; give that object another name");
  }
  // Some programs make an empty object for each directory.
  if (below.objects.empty() && !location.key.empty()) {
    return Status(StatusCode::kNotFound, "there is no " + path);
  }
  FileInfo info;
  info.kind = FileKind::kDirectory;
  // A link can lead nowhere back here; each directory is one of its own.
  info.inode = std::hash<std::string>()(path);
  return info;
}

Result<std::vector<std::string>> S3FileSystem::list(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<Entry> entries, list_with_info(directory));
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<std::vector<io::FileSystem::Entry>> S3FileSystem::list_matching(const std::string& directory,
                                                                       const NameFilter& filter) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(directory));
  FANFOLD_ASSIGN_OR_RETURN(const ClientPool::Lease lease, client());
  const std::string above = prefix_below(location);
  ListOptions options;
  options.prefix = above + filter.prefix;
  options.one_level = true;
  FANFOLD_ASSIGN_OR_RETURN(const Listing found, list_objects(*lease, location.bucket, options));
  std::vector<Entry> entries;
  bool any = !found.prefixes.empty();
  for (const ListedObject& object : found.objects) {
    any = true;
    if (object.key.ends_with('/') && object.size == 0) continue;  // Stands for a directory.
    const std::string name = object.key.substr(above.size());
    if (name.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    "object s3://" + location.bucket + "/" + object.key +
                        " ends in a slash but is no empty one: no path can name it");
    }
    if (!filter.wanted(name)) continue;
    entries.push_back({name, FileInfo{FileKind::kFile, object.size, 0, 0, true, object.etag}});
  }
  for (const std::string& prefix : found.prefixes) {
    const std::string name = prefix.substr(above.size(), prefix.size() - above.size() - 1);
    if (name.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    "the keys below s3://" + location.bucket + "/" + prefix +
                        " have an empty name between two slashes: no path can name them");
    }
    if (!filter.wanted(name)) continue;
    FileInfo info;
    info.kind = FileKind::kDirectory;
    info.inode = std::hash<std::string>()(directory + "/" + name);
    entries.push_back({name, std::move(info)});
  }
  if (!any && !location.key.empty() && filter.prefix.empty()) {
    return Status(StatusCode::kNotFound, "there is nothing below " + directory);
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Result<std::unique_ptr<io::WritableFile>> S3FileSystem::create(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(ClientPool::Lease lease, client());
  // Asked again when it is written: this spares whoever writes much.
  FANFOLD_ASSIGN_OR_RETURN(const Head head, look_at(*lease, location));
  if (head.found) {
    return Status(StatusCode::kAlreadyExists, "cannot create " + path + ": it exists");
  }
  return std::unique_ptr<io::WritableFile>(new WrittenObject(std::move(lease), location));
}

Result<std::unique_ptr<io::WritableFile>> S3FileSystem::create_unseen(const std::string& path,
                                                                      const std::string& target) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(const Location seen, parse_location(target));
  FANFOLD_ASSIGN_OR_RETURN(ClientPool::Lease lease, client());
  return UnseenObject::create(std::move(lease), record_of(location), seen);
}

Result<UploadRecord> S3FileSystem::read_record(Client& client, const std::string& path,
                                               const std::string& target) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(const Location seen, parse_location(target));
  Call call;
  call.object = record_of(location);
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  if (!answer.ok()) return client.refusal(call, answer);
  FANFOLD_ASSIGN_OR_RETURN(UploadRecord record, parse_upload_record(answer.body));
  if (record.whole && record.key == seen.key) return record;
  return Status(StatusCode::kCorruption, path + " is not what becomes " + target);
}

Status S3FileSystem::check_unseen(const std::string& path, const std::string& target) {
  FANFOLD_ASSIGN_OR_RETURN(const Location seen, parse_location(target));
  FANFOLD_ASSIGN_OR_RETURN(const ClientPool::Lease lease, client());
  FANFOLD_ASSIGN_OR_RETURN(const UploadRecord record, read_record(*lease, path, target));
  return check_upload(*lease, seen.bucket, record);
}

Status S3FileSystem::reveal(const std::string& path, const std::string& target) {
  FANFOLD_ASSIGN_OR_RETURN(const Location seen, parse_location(target));
  FANFOLD_ASSIGN_OR_RETURN(const ClientPool::Lease lease, client());
  FANFOLD_ASSIGN_OR_RETURN(const UploadRecord record, read_record(*lease, path, target));
  return complete_upload(*lease, seen.bucket, record);
}

Status S3FileSystem::make_directories(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(const ClientPool::Lease lease, client());
  location.key = prefix_below(location);
  if (location.key.empty()) return Status();
  return put_object(*lease, location, "", /*only_new=*/false);
}

Status S3FileSystem::make_directory(const std::string& path) {
  // Nothing has to be made, but what it lies in must be there.
  const std::string parent = path.substr(0, path.rfind('/'));
  FANFOLD_ASSIGN_OR_RETURN(const FileInfo info, stat(parent));
  if (info.kind == FileKind::kDirectory) return Status();
  return {StatusCode::kInvalidArgument, "cannot create " + path + ": " + parent + " is an object"};
}

Status S3FileSystem::remove_file(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  FANFOLD_ASSIGN_OR_RETURN(const ClientPool::Lease lease, client());
  return remove_object(*lease, location);
}

Status S3FileSystem::remove_tree(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const Location location, parse_location(path));
  if (location.key.empty()) {
    return {StatusCode::kInvalidArgument, "will not remove all that is in " + path};
  }
  FANFOLD_ASSIGN_OR_RETURN(const ClientPool::Lease lease, client());
  return remove_below(*lease, location);
}

}  // namespace

std::unique_ptr<io::FileSystem> make_s3_file_system(Variables variables) {
  return std::make_unique<S3FileSystem>(std::move(variables));
}

io::FileSystem& s3_file_system() {
  // Never destroyed: threads may still be reading when statics go.
  static S3FileSystem& instance = *new S3FileSystem(process_variable);
  return instance;
}

}  // namespace fanfold::s3
