#include "worker/blobs/blob_cache.hpp"

#include <algorithm>
#include <utility>

namespace fanfold::worker {
namespace {

constexpr std::size_t kNameBytes = 100;

/// People recognise a plugin by it, in stacks; nothing depends on it.
std::string file_name(const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos) {
    return "file";
  }
  return name.substr(0, kNameBytes);
}

}  // namespace

BlobCache::BlobCache(io::FileSystem& files, Options options)
    : files_(files), options_(std::move(options)), pause_(options_.repeat_first) {}

void BlobCache::want(Instant now, FileWanted wanted) {
  const auto kept = kept_.find(wanted.sha256);
  // Another one may have come since.
  const bool spoilt = kept != kept_.end() && wanted.damaged && wanted.given == kept->second.path;
  if (spoilt) {
    ++figures_.damaged;
    drop(kept);
  } else if (kept != kept_.end()) {
    ++figures_.reused;
    kept->second.used = ++uses_;
    kept->second.users.insert(wanted.attempt);
    answers_.push_back({wanted.attempt, wanted.sha256, kept->second.path});
    return;
  }
  const auto [entry, fresh] = wanted_.try_emplace(wanted.sha256);
  entry->second.attempts.insert(wanted.attempt);
  if (!fresh) return;
  entry->second.name = file_name(wanted.name);
  queue_.push_back(wanted.sha256);
  begin_next(now);
}

void BlobCache::forget(AttemptId attempt) {
  for (auto& [sha256, kept] : kept_) kept.users.erase(attempt);
  // What was begun is brought to its end: others of the job will want it.
  for (auto& [sha256, wanted] : wanted_) wanted.attempts.erase(attempt);
}

void BlobCache::begin_next(Instant now) {
  if (fetch_ || queue_.empty()) return;
  fetch_.emplace();
  fetch_->sha256 = std::move(queue_.front());
  queue_.pop_front();
  fetch_->due = now;
  fetch_->pause = pause_;
}

std::optional<proto::GetBlob> BlobCache::take_question(Instant now) {
  if (!fetch_ || now < fetch_->due) return std::nullopt;
  if (!fetch_->asked) fetch_->asked = now;
  fetch_->due = now + fetch_->pause;
  fetch_->pause = std::min(2 * fetch_->pause, std::max(options_.repeat_most, pause_));
  return proto::GetBlob{.worker = {},
                        .sha256 = fetch_->sha256,
                        .offset = fetch_->offset,
                        .damaged = fetch_->again && fetch_->offset == 0};
}

std::optional<Instant> BlobCache::next_deadline() const {
  if (!fetch_) return std::nullopt;
  return fetch_->due;
}

void BlobCache::take(Instant now, const proto::BlobPart& part) {
  // Of an earlier question, or twice.
  if (!fetch_ || part.sha256 != fetch_->sha256 || part.offset != fetch_->offset) return;
  // Where parts take long, what is asked again comes twice.
  const Duration took = now - fetch_->asked.value_or(now);
  pause_ = std::clamp(2 * took, options_.repeat_first, 8 * options_.repeat_most);
  Status status(static_cast<StatusCode>(part.code), part.message);
  if (status.ok()) status = append(*fetch_, part);
  if (!status.ok()) {
    fail(status);
  } else if (fetch_->offset == fetch_->size) {
    end(now, *fetch_);
  } else {
    fetch_->due = now;
    fetch_->pause = pause_;
    fetch_->asked.reset();
  }
  begin_next(now);
}

Status BlobCache::append(Fetch& fetch, const proto::BlobPart& part) {
  const bool makes_sense = part.size <= proto::kBlobBytes && part.offset <= part.size &&
                           part.bytes.size() <= part.size - part.offset &&
                           (fetch.file == nullptr || part.size == fetch.size) &&
                           (!part.bytes.empty() || part.size == 0);
  if (!makes_sense) {
    return {StatusCode::kCorruption, "what the master sent is no part of a file"};
  }
  if (fetch.file == nullptr) FANFOLD_RETURN_IF_ERROR(open(fetch, part.size));
  FANFOLD_RETURN_IF_ERROR(fetch.file->append(part.bytes));
  fetch.digest.add(part.bytes);
  fetch.offset += part.bytes.size();
  figures_.bytes += part.bytes.size();
  return {};
}

Status BlobCache::open(Fetch& fetch, std::uint64_t size) {
  make_room(size);
  // Of its own: who has an earlier one open keeps that.
  const std::string directory = options_.directory + "/" + std::to_string(++files_made_);
  FANFOLD_RETURN_IF_ERROR(files_.make_directories(directory));
  fetch.path = directory + "/" + wanted_.at(fetch.sha256).name;
  fetch.size = size;
  FANFOLD_ASSIGN_OR_RETURN(fetch.file, files_.create(fetch.path));
  return {};
}

void BlobCache::end(Instant now, Fetch& fetch) {
  if (const Status closed = fetch.file->close(); !closed.ok()) return fail(closed);
  if (fetch.digest.finish() == fetch.sha256) return keep(fetch);
  ++figures_.damaged;
  if (fetch.again) {
    return fail(
        {StatusCode::kCorruption, "what came from the master is not what the digest says, twice"});
  }
  static_cast<void>(files_.remove_tree(fetch.path.substr(0, fetch.path.rfind('/'))));
  const std::string sha256 = fetch.sha256;
  fetch_.emplace();
  fetch_->sha256 = sha256;
  fetch_->again = true;
  fetch_->due = now;
  fetch_->pause = pause_;
}

void BlobCache::keep(Fetch& fetch) {
  ++figures_.fetched;
  const auto wanted = wanted_.extract(fetch.sha256);
  Kept& kept = kept_[fetch.sha256];
  kept = {fetch.path, fetch.size, ++uses_, wanted.mapped().attempts};
  bytes_kept_ += fetch.size;
  for (const AttemptId attempt : kept.users) {
    answers_.push_back({attempt, fetch.sha256, kept.path});
  }
  fetch_.reset();
}

void BlobCache::fail(const Status& why) {
  ++figures_.refused;
  const auto wanted = wanted_.extract(fetch_->sha256);
  for (const AttemptId attempt : wanted.mapped().attempts) {
    answers_.push_back({attempt, fetch_->sha256, why});
  }
  if (!fetch_->path.empty()) {
    static_cast<void>(files_.remove_tree(fetch_->path.substr(0, fetch_->path.rfind('/'))));
  }
  fetch_.reset();
}

void BlobCache::refuse(Instant now, const Status& why) {
  if (!fetch_) return;
  fail(why);
  begin_next(now);
}

void BlobCache::make_room(std::uint64_t size) {
  while (bytes_kept_ + size > options_.bytes) {
    auto oldest = kept_.end();
    for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
      if (!kept->second.users.empty()) continue;
      if (oldest == kept_.end() || kept->second.used < oldest->second.used) oldest = kept;
    }
    // What attempts use stays, however much it is; a full disk would say so.
    if (oldest == kept_.end()) return;
    drop(oldest);
  }
}

void BlobCache::drop(std::map<std::string, Kept>::iterator kept) {
  bytes_kept_ -= kept->second.size;
  const std::string& path = kept->second.path;
  static_cast<void>(files_.remove_tree(path.substr(0, path.rfind('/'))));
  kept_.erase(kept);
}

std::vector<FileBrought> BlobCache::take_answers() { return std::exchange(answers_, {}); }

std::set<AttemptId> BlobCache::waiting() const {
  std::set<AttemptId> all;
  for (const auto& [sha256, wanted] : wanted_) {
    all.insert(wanted.attempts.begin(), wanted.attempts.end());
  }
  return all;
}

}  // namespace fanfold::worker
