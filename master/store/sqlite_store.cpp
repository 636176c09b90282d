// The durable side of the store: one SQLite file, one connection, one transaction an append.
//
// <directory>/lock      one master at a time (directory_lock.hpp)
// <directory>/state.db  WAL, synchronous=FULL: what append() said is there after a power cut
// <directory>/reserve   room that is given up when the disk is full
//
//   opening  one row: how often the store was opened, which is the epoch, and its state_id
//   facts    sequence, epoch, job, tag, version, payload, note, checksum
//
// fact_row.hpp has the checksum of a row.  Opening verifies the database
// and every row, forgets what ended jobs do not need any more, and counts the epoch, before
// anything else can happen.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/core/limits.hpp"
#include "master/store/database.hpp"
#include "master/store/directory_lock.hpp"
#include "master/store/fact_row.hpp"
#include "master/store/history.hpp"
#include "master/store/store.hpp"

namespace fanfold::master {
namespace {

constexpr std::uint64_t kFormatVersion = 6;

Status system_error(const std::string& what, int error) {
  const StatusCode code = error == ENOSPC ? StatusCode::kNoSpace : StatusCode::kIoError;
  return Status(code, what + ": " + std::strerror(error));
}

/// A file or directory that was just made is durable only when its directory is.
Status sync_directory(const std::string& path) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return system_error("cannot open " + path, errno);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  return error == 0 ? Status() : system_error("cannot sync " + path, error);
}

/// Room that is given up when the disk is full, so that the last decisions can be recorded.
class Reserve {
 public:
  explicit Reserve(const std::string& directory) : path_(directory + "/reserve") {}

  /// A disk that is too full for it holds no reserve; there is nothing better to do.
  void make() {
    const int descriptor = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return;
    held_ = ::posix_fallocate(descriptor, 0, limits::kStateReserveBytes) == 0;
    ::close(descriptor);
    if (!held_) static_cast<void>(::unlink(path_.c_str()));
  }
  /// False: there was none (any more).
  bool give_up() { return std::exchange(held_, false) && ::unlink(path_.c_str()) == 0; }

 private:
  const std::string path_;
  bool held_ = false;
};

class SqliteStore final : public Store {
 public:
  static Result<OpenedStore> open(const std::string& directory) {
    FANFOLD_ASSIGN_OR_RETURN(DirectoryLock lock, DirectoryLock::take(directory));
    FANFOLD_ASSIGN_OR_RETURN(auto database, Database::open(directory + "/state.db"));
    FANFOLD_RETURN_IF_ERROR(prepare_file(*database));
    std::unique_ptr<SqliteStore> store(
        new SqliteStore(std::move(lock), std::move(database), directory));
    OpenedStore opened;
    FANFOLD_RETURN_IF_ERROR(store->in_transaction([&] { return store->load(&opened.stored); }));
    FANFOLD_RETURN_IF_ERROR(store->lock_.claim(store->epoch_));
    store->reserve_.make();
    FANFOLD_RETURN_IF_ERROR(sync_directory(directory));
    opened.store = std::move(store);
    return opened;
  }

  Status append(std::span<const StoredFact> facts) override {
    if (facts.empty()) return {};
    Status status = try_append(facts);
    if (status.code() != StatusCode::kNoSpace || !reserve_.give_up()) return status;
    exhausted_ = true;
    return try_append(facts);
  }

  Status confirm() override { return lock_.check(); }

  bool exhausted() const override { return exhausted_; }

 private:
  SqliteStore(DirectoryLock lock, std::unique_ptr<Database> database, const std::string& directory)
      : lock_(std::move(lock)), database_(std::move(database)), reserve_(directory) {}

  Status try_append(std::span<const StoredFact> facts) {
    const std::uint64_t first = next_sequence_;
    Status status = in_transaction([&]() -> Status {
      for (const StoredFact& fact : facts) FANFOLD_RETURN_IF_ERROR(insert(fact));
      return lock_.check();
    });
    if (!status.ok()) next_sequence_ = first;
    return status;
  }

  static Status prepare_file(Database& database) {
    // Before the first read: then SQLite keeps its shared index in our memory, not in a file.
    FANFOLD_RETURN_IF_ERROR(database.execute("PRAGMA locking_mode=EXCLUSIVE"));
    FANFOLD_RETURN_IF_ERROR(database.execute("PRAGMA journal_mode=WAL"));
    FANFOLD_RETURN_IF_ERROR(database.execute("PRAGMA synchronous=FULL"));
    FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t version,
                             database.query_number("PRAGMA user_version"));
    if (version != 0 && version != kFormatVersion) {
      return Status(StatusCode::kInvalidArgument,
                    "the master's state has format " + std::to_string(version) +
                        ", this build reads format " + std::to_string(kFormatVersion) +
                        ": use the version of Fanfold that wrote it, or another state directory");
    }
    FANFOLD_RETURN_IF_ERROR(verify_file(database));
    if (version == kFormatVersion) return {};
    return database.execute(
        "BEGIN IMMEDIATE;"
        "CREATE TABLE opening(id INTEGER PRIMARY KEY CHECK(id = 1), epoch INTEGER NOT NULL,"
        " state_id INTEGER NOT NULL);"
        "CREATE TABLE facts(sequence INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
        " job INTEGER NOT NULL, tag INTEGER NOT NULL, version INTEGER NOT NULL,"
        " payload BLOB NOT NULL, note BLOB NOT NULL, checksum INTEGER NOT NULL);"
        "INSERT INTO opening VALUES(1, 0, " +
        std::to_string(make_state_id()) +
        ");"
        "PRAGMA user_version=" +
        std::to_string(kFormatVersion) +
        ";"
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
    FANFOLD_ASSIGN_OR_RETURN(stored->state_id,
                             database_->query_number("SELECT state_id FROM opening"));
    std::vector<NumberedFact> rows;
    FANFOLD_RETURN_IF_ERROR(load_rows(&rows));
    FANFOLD_RETURN_IF_ERROR(forget_what_is_over(&rows));
    for (NumberedFact& row : rows) stored->facts.push_back(std::move(row.stored));
    FANFOLD_ASSIGN_OR_RETURN(Statement statement,
                             database_->prepare("INSERT INTO facts(sequence, epoch, job, tag,"
                                                " version, payload, note, checksum)"
                                                " VALUES(?, ?, ?, ?, ?, ?, ?, ?)"));
    insert_ = std::make_unique<Statement>(std::move(statement));
    return {};
  }

  Status load_rows(std::vector<NumberedFact>* rows) {
    FANFOLD_ASSIGN_OR_RETURN(
        Statement query, database_->prepare("SELECT sequence, epoch, job, tag, version, payload,"
                                            " note, checksum FROM facts ORDER BY sequence"));
    auto read = read_rows([&query]() -> Result<std::optional<FactRow>> {
      FANFOLD_ASSIGN_OR_RETURN(const Statement::Step step, query.step());
      if (step == Statement::Step::kDone) return std::optional<FactRow>();
      return std::optional<FactRow>(FactRow{.sequence = query.number(0),
                                            .epoch = query.number(1),
                                            .job = query.number(2),
                                            .tag = query.number(3),
                                            .version = query.number(4),
                                            .payload = std::string(query.bytes(5)),
                                            .note = std::string(query.bytes(6)),
                                            .checksum = query.number(7)});
    });
    if (read.status().code() == StatusCode::kCorruption) {
      return database_->damaged(read.status().message());
    }
    FANFOLD_RETURN_IF_ERROR(read.status());
    *rows = *std::move(read);
    if (!rows->empty()) next_sequence_ = rows->back().sequence + 1;
    return {};
  }

  /// What no later master can need.
  Status forget_what_is_over(std::vector<NumberedFact>* rows) {
    History history;
    for (const NumberedFact& row : *rows) history.add(row.sequence, row.stored.fact);
    history.close();
    FANFOLD_ASSIGN_OR_RETURN(Statement drop,
                             database_->prepare("DELETE FROM facts WHERE sequence = ?"));
    std::vector<NumberedFact> kept;
    for (NumberedFact& row : *rows) {
      if (history.needs(row.stored.fact)) {
        kept.push_back(std::move(row));
        continue;
      }
      drop.bind(1, row.sequence);
      FANFOLD_RETURN_IF_ERROR(drop.run());
    }
    *rows = std::move(kept);
    return {};
  }

  Status insert(const StoredFact& stored) {
    const FactRow row = row_of(next_sequence_, epoch_, stored);
    insert_->bind(1, row.sequence);
    insert_->bind(2, row.epoch);
    insert_->bind(3, row.job);
    insert_->bind(4, row.tag);
    insert_->bind(5, row.version);
    insert_->bind(6, row.payload);
    insert_->bind(7, row.note);
    insert_->bind(8, row.checksum);
    ++next_sequence_;
    return insert_->run();
  }

  DirectoryLock lock_;  // First: given back after the database is closed.
  std::unique_ptr<Database> database_;
  Reserve reserve_;
  bool exhausted_ = false;
  std::unique_ptr<Statement> insert_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_sequence_ = 1;
};

}  // namespace

Result<OpenedStore> open_store(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("cannot make the state directory " + directory, errno);
  }
  auto opened = SqliteStore::open(directory);
  // SQLite takes some reads that failed for damage.  Nobody is told to give up a state that a
  // second look finds whole; a disk that goes on failing says so then.
  if (opened.status().code() == StatusCode::kCorruption) opened = SqliteStore::open(directory);
  FANFOLD_RETURN_IF_ERROR(opened.status());
  FANFOLD_RETURN_IF_ERROR(sync_directory(directory + "/.."));
  return opened;
}

}  // namespace fanfold::master
