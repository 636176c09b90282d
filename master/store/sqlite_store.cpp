// The durable side of the store: one SQLite file, one connection, one transaction an append.
//
// <directory>/lock      flock: one master at a time.  Holds its process id, for messages.
// <directory>/state.db  WAL, synchronous=FULL: what append() said is there after a power cut.
//
//   opening  one row: how often the store was opened, which is the epoch
//   facts    sequence, epoch, job, tag, version, payload, checksum
//   notes    job, kind, epoch, bytes, checksum
//
// Each checksum is the XXH3-64 of all other columns of its row.  Opening verifies the database
// and every row, forgets what ended jobs do not need any more, and counts the epoch, before
// anything else can happen.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "common/core/limits.hpp"
#include "common/proto/wire.hpp"
#include "master/store/database.hpp"
#include "master/store/fact_codec.hpp"
#include "master/store/store.hpp"

namespace fanfold::master {
namespace {

constexpr std::uint64_t kFormatVersion = 1;

Status system_error(const std::string& what, int error) {
  const StatusCode code = error == ENOSPC ? StatusCode::kNoSpace : StatusCode::kIoError;
  return Status(code, what + ": " + std::strerror(error));
}

/// A file or directory that was just made is durable only when its directory is.
Status sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return system_error("cannot open " + path, errno);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  return error == 0 ? Status() : system_error("cannot sync " + path, error);
}

/// The right to be the only master of a directory, given back by the system when we die.
class DirectoryLock {
 public:
  DirectoryLock() = default;
  DirectoryLock(DirectoryLock&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DirectoryLock& operator=(DirectoryLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~DirectoryLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  static Result<DirectoryLock> take(const std::string& directory) {
    const std::string path = directory + "/lock";
    DirectoryLock lock;
    lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock.descriptor_ < 0) return system_error("cannot open " + path, errno);
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return system_error("cannot lock " + path, errno);
      return Status(StatusCode::kUnavailable, "another master" + lock.owner() +
                                                  " uses the state directory " + directory +
                                                  "; stop it, or choose another directory");
    }
    const std::string process = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock.descriptor_, 0) != 0 ||
        ::pwrite(lock.descriptor_, process.data(), process.size(), 0) < 0) {
      return system_error("cannot write " + path, errno);
    }
    return lock;
  }

 private:
  /// " (process 123)" when the file says so.
  std::string owner() const {
    char text[16] = {};
    const ssize_t size = ::pread(descriptor_, text, sizeof text - 1, 0);
    const std::string digits(text, std::strspn(text, "0123456789"));
    return size <= 0 || digits.empty() ? "" : " (process " + digits + ")";
  }

  int descriptor_ = -1;
};

std::uint64_t fact_checksum(std::uint64_t sequence, std::uint64_t epoch, std::uint64_t job,
                            const EncodedFact& fact) {
  proto::WireWriter row;
  row.number(sequence);
  row.number(epoch);
  row.number(job);
  row.number(fact.tag);
  row.number(fact.version);
  row.text(fact.payload);
  const std::string bytes = row.take();
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint64_t note_checksum(std::uint64_t job, std::uint64_t kind, std::uint64_t epoch,
                            std::string_view note) {
  proto::WireWriter row;
  row.number(job);
  row.number(kind);
  row.number(epoch);
  row.text(note);
  const std::string bytes = row.take();
  return XXH3_64bits(bytes.data(), bytes.size());
}

class SqliteStore final : public Store {
 public:
  static Result<OpenedStore> open(const std::string& directory) {
    FANFOLD_ASSIGN_OR_RETURN(DirectoryLock lock, DirectoryLock::take(directory));
    FANFOLD_ASSIGN_OR_RETURN(auto database, Database::open(directory + "/state.db"));
    FANFOLD_RETURN_IF_ERROR(prepare_file(*database));
    std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(lock), std::move(database)));
    OpenedStore opened;
    FANFOLD_RETURN_IF_ERROR(store->in_transaction([&] { return store->load(&opened.stored); }));
    FANFOLD_RETURN_IF_ERROR(sync_directory(directory));
    opened.store = std::move(store);
    return opened;
  }

  Status append(std::span<const Fact> facts, std::span<const JobNote> notes) override {
    if (facts.empty() && notes.empty()) return {};
    const std::uint64_t first = next_sequence_;
    Status status = in_transaction([&]() -> Status {
      for (const Fact& fact : facts) FANFOLD_RETURN_IF_ERROR(insert(fact));
      for (const JobNote& note : notes) FANFOLD_RETURN_IF_ERROR(insert(note));
      return {};
    });
    if (!status.ok()) next_sequence_ = first;
    return status;
  }

 private:
  SqliteStore(DirectoryLock lock, std::unique_ptr<Database> database)
      : lock_(std::move(lock)), database_(std::move(database)) {}

  static Status prepare_file(Database& database) {
    // Before the first read: then SQLite keeps its shared index in our memory, not in a file.
    FANFOLD_RETURN_IF_ERROR(database.execute("PRAGMA locking_mode=EXCLUSIVE"));
    FANFOLD_RETURN_IF_ERROR(database.execute("PRAGMA journal_mode=WAL"));
    FANFOLD_RETURN_IF_ERROR(database.execute("PRAGMA synchronous=FULL"));
    FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t version,
                             database.query_number("PRAGMA user_version"));
    if (version > kFormatVersion) {
      return Status(StatusCode::kInvalidArgument,
                    "the master's state has format " + std::to_string(version) +
                        ", this build reads format " + std::to_string(kFormatVersion) +
                        ": use the newer version of Fanfold, or another state directory");
    }
    FANFOLD_RETURN_IF_ERROR(verify_file(database));
    if (version == kFormatVersion) return {};
    return database.execute(
        "BEGIN IMMEDIATE;"
        "CREATE TABLE opening(id INTEGER PRIMARY KEY CHECK(id = 1), epoch INTEGER NOT NULL);"
        "CREATE TABLE facts(sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
        " job INTEGER NOT NULL, tag INTEGER NOT NULL, version INTEGER NOT NULL,"
        " payload BLOB NOT NULL, checksum INTEGER NOT NULL);"
        "CREATE TABLE notes(job INTEGER NOT NULL, kind INTEGER NOT NULL, epoch INTEGER NOT NULL,"
        " bytes BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(job, kind)) WITHOUT ROWID;"
        "INSERT INTO opening VALUES(1, 0);"
        "PRAGMA user_version=1;"
        "COMMIT");
  }

  static Status verify_file(Database& database) {
    FANFOLD_ASSIGN_OR_RETURN(Statement check, database.prepare("PRAGMA integrity_check(1)"));
    FANFOLD_ASSIGN_OR_RETURN(const Statement::Step step, check.step());
    const std::string verdict(step == Statement::Step::kRow ? check.bytes(0) : "no answer");
    return verdict == "ok" ? Status() : database.damaged(verdict);
  }

  template <class Work>
  Status in_transaction(const Work& work) {
    FANFOLD_RETURN_IF_ERROR(database_->execute("BEGIN IMMEDIATE"));
    Status status = work();
    if (status.ok()) status = database_->execute("COMMIT");
    // A failed COMMIT may or may not have ended the transaction; the first error is what counts.
    if (!status.ok()) static_cast<void>(database_->execute("ROLLBACK"));
    return status;
  }

  Status load(StoredState* stored) {
    FANFOLD_RETURN_IF_ERROR(database_->execute("UPDATE opening SET epoch = epoch + 1"));
    FANFOLD_ASSIGN_OR_RETURN(epoch_, database_->query_number("SELECT epoch FROM opening"));
    stored->epoch = epoch_;
    std::vector<Row> rows;
    FANFOLD_RETURN_IF_ERROR(load_facts(&rows));
    FANFOLD_RETURN_IF_ERROR(load_notes(stored));
    FANFOLD_RETURN_IF_ERROR(forget_what_is_over(&rows, stored));
    for (Row& row : rows) stored->facts.push_back(std::move(row.fact));
    FANFOLD_ASSIGN_OR_RETURN(
        insert_fact_, prepare("INSERT INTO facts(sequence, epoch, job, tag, version, payload,"
                              " checksum) VALUES(?, ?, ?, ?, ?, ?, ?)"));
    FANFOLD_ASSIGN_OR_RETURN(insert_note_,
                             prepare("INSERT OR REPLACE INTO notes(job, kind, epoch, bytes,"
                                     " checksum) VALUES(?, ?, ?, ?, ?)"));
    return {};
  }

  struct Row {
    std::uint64_t sequence = 0;
    Fact fact;
  };

  Status load_facts(std::vector<Row>* rows) {
    FANFOLD_ASSIGN_OR_RETURN(Statement query,
                             database_->prepare("SELECT sequence, epoch, job, tag, version,"
                                                " payload, checksum FROM facts ORDER BY sequence"));
    for (;;) {
      FANFOLD_ASSIGN_OR_RETURN(const Statement::Step step, query.step());
      if (step == Statement::Step::kDone) return {};
      const std::uint64_t sequence = query.number(0);
      const std::uint64_t tag = query.number(3);
      const std::uint64_t version = query.number(4);
      const EncodedFact encoded{static_cast<std::uint16_t>(tag),
                                static_cast<std::uint16_t>(version), std::string(query.bytes(5))};
      const std::uint64_t job = query.number(2);
      if (tag != encoded.tag || version != encoded.version ||
          query.number(6) != fact_checksum(sequence, query.number(1), job, encoded)) {
        return database_->damaged("fact " + std::to_string(sequence) + " has a wrong checksum");
      }
      auto fact = decode_fact(encoded.tag, encoded.version, encoded.payload);
      if (!fact.ok()) return database_->damaged(fact.status().message());
      rows->push_back({sequence, *std::move(fact)});
      next_sequence_ = sequence + 1;
    }
  }

  Status load_notes(StoredState* stored) {
    FANFOLD_ASSIGN_OR_RETURN(Statement query,
                             database_->prepare("SELECT job, kind, epoch, bytes, checksum"
                                                " FROM notes ORDER BY job, kind"));
    for (;;) {
      FANFOLD_ASSIGN_OR_RETURN(const Statement::Step step, query.step());
      if (step == Statement::Step::kDone) return {};
      const JobId job{query.number(0)};
      const std::uint64_t kind = query.number(1);
      const bool known = kind == static_cast<std::uint64_t>(NoteKind::kSubmitted) ||
                         kind == static_cast<std::uint64_t>(NoteKind::kEnded);
      if (!known ||
          query.number(4) != note_checksum(job.value, kind, query.number(2), query.bytes(3))) {
        return database_->damaged("a note of job " + std::to_string(job.value) +
                                  " has a wrong checksum");
      }
      stored->notes.push_back({job, static_cast<NoteKind>(kind), std::string(query.bytes(3))});
    }
  }

  /// Of an ended job only its end is left, and of very old ones nothing.
  Status forget_what_is_over(std::vector<Row>* rows, StoredState* stored) {
    std::set<JobId> ended;
    for (const Row& row : *rows) {
      if (std::holds_alternative<JobEnded>(row.fact)) ended.insert(job_of(row.fact));
    }
    std::set<JobId> old;
    for (const JobId job : ended) {
      if (ended.size() - old.size() <= limits::kJobsRemembered) break;
      old.insert(job);
    }
    FANFOLD_ASSIGN_OR_RETURN(Statement drop_fact,
                             database_->prepare("DELETE FROM facts WHERE sequence = ?"));
    std::vector<Row> kept;
    for (Row& row : *rows) {
      const JobId job = job_of(row.fact);
      const bool needed =
          std::holds_alternative<JobEnded>(row.fact) ? !old.contains(job) : !ended.contains(job);
      if (needed) {
        kept.push_back(std::move(row));
        continue;
      }
      drop_fact.bind(1, row.sequence);
      FANFOLD_RETURN_IF_ERROR(drop_fact.run());
    }
    *rows = std::move(kept);
    return forget_notes(ended, old, stored);
  }

  Status forget_notes(const std::set<JobId>& ended, const std::set<JobId>& old,
                      StoredState* stored) {
    FANFOLD_ASSIGN_OR_RETURN(Statement drop,
                             database_->prepare("DELETE FROM notes WHERE job = ? AND kind = ?"));
    std::vector<JobNote> kept;
    for (JobNote& note : stored->notes) {
      const bool needed =
          note.kind == NoteKind::kEnded ? !old.contains(note.job) : !ended.contains(note.job);
      if (needed) {
        kept.push_back(std::move(note));
        continue;
      }
      drop.bind(1, note.job.value);
      drop.bind(2, static_cast<std::uint64_t>(note.kind));
      FANFOLD_RETURN_IF_ERROR(drop.run());
    }
    stored->notes = std::move(kept);
    return {};
  }

  Status insert(const Fact& fact) {
    const EncodedFact encoded = encode_fact(fact);
    const std::uint64_t job = job_of(fact).value;
    insert_fact_->bind(1, next_sequence_);
    insert_fact_->bind(2, epoch_);
    insert_fact_->bind(3, job);
    insert_fact_->bind(4, std::uint64_t{encoded.tag});
    insert_fact_->bind(5, std::uint64_t{encoded.version});
    insert_fact_->bind(6, encoded.payload);
    insert_fact_->bind(7, fact_checksum(next_sequence_, epoch_, job, encoded));
    ++next_sequence_;
    return insert_fact_->run();
  }

  Status insert(const JobNote& note) {
    const auto kind = static_cast<std::uint64_t>(note.kind);
    insert_note_->bind(1, note.job.value);
    insert_note_->bind(2, kind);
    insert_note_->bind(3, epoch_);
    insert_note_->bind(4, note.bytes);
    insert_note_->bind(5, note_checksum(note.job.value, kind, epoch_, note.bytes));
    return insert_note_->run();
  }

  Result<std::unique_ptr<Statement>> prepare(const std::string& sql) {
    FANFOLD_ASSIGN_OR_RETURN(Statement statement, database_->prepare(sql));
    return std::make_unique<Statement>(std::move(statement));
  }

  DirectoryLock lock_;  // First: given back after the database is closed.
  std::unique_ptr<Database> database_;
  std::unique_ptr<Statement> insert_fact_;
  std::unique_ptr<Statement> insert_note_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace

Result<OpenedStore> open_store(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("cannot make the state directory " + directory, errno);
  }
  FANFOLD_ASSIGN_OR_RETURN(OpenedStore opened, SqliteStore::open(directory));
  FANFOLD_RETURN_IF_ERROR(sync_directory(directory + "/.."));
  return opened;
}

}  // namespace fanfold::master
