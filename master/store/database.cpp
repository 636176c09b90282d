#include "master/store/database.hpp"

#include <sqlite3.h>

#include "common/core/check.hpp"

namespace fanfold::master {

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

void Statement::bind(int parameter, std::uint64_t value) {
  // SQLite's integers are signed; the bits survive the round trip.
  const int code =
      sqlite3_bind_int64(statement_.get(), parameter, static_cast<sqlite3_int64>(value));
  FANFOLD_CHECK(code == SQLITE_OK);
}

void Statement::bind(int parameter, std::string_view bytes) {
  // A null pointer would bind NULL instead of an empty blob.
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  const int code =
      sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_STATIC);
  FANFOLD_CHECK(code == SQLITE_OK);
}

Result<Statement::Step> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return Step::kRow;
  if (code == SQLITE_DONE) return Step::kDone;
  return database_->error(code);
}

Status Statement::run() {
  const Status status = step().status();
  reset();
  return status;
}

void Statement::reset() {
  // Repeats the error of the last step, which was reported then.
  static_cast<void>(sqlite3_reset(statement_.get()));
}

std::uint64_t Statement::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
  std::unique_ptr<Database> database(new Database(path));
  sqlite3* connection = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &connection,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  database->connection_.reset(connection);
  if (code != SQLITE_OK) return database->error(code);
  return database;
}

Result<Statement> Database::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(connection_.get(), sql.c_str(), -1, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  return Statement(*this, statement);
}

Status Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : error(code);
}

Result<std::uint64_t> Database::query_number(const std::string& sql) {
  FANFOLD_ASSIGN_OR_RETURN(Statement query, prepare(sql));
  FANFOLD_ASSIGN_OR_RETURN(const Statement::Step step, query.step());
  if (step == Statement::Step::kDone) return damaged("a value is missing");
  return query.number(0);
}

Status Database::damaged(const std::string& what) const {
  return Status(StatusCode::kCorruption,
                "the master's state in " + path_ + " is damaged: " + what +
                    "; restore it from a copy, or move its directory away to start with no jobs");
}

Status Database::error(int code) const {
  const std::string reason = connection_ ? sqlite3_errmsg(connection_.get()) : sqlite3_errstr(code);
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) return damaged(reason);
  const StatusCode kind = primary == SQLITE_FULL ? StatusCode::kNoSpace
                          : primary == SQLITE_BUSY || primary == SQLITE_LOCKED
                              ? StatusCode::kUnavailable
                              : StatusCode::kIoError;
  return Status(kind, "the master's state in " + path_ + ": " + reason);
}

}  // namespace fanfold::master
