// One SQLite connection: statements with bound values, errors as Statuses that name the file.
// Knows no table.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/core/status.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace fanfold::master {

/// A prepared statement; parameters count from 1, columns from 0.
class Statement {
 public:
  void bind(int parameter, std::uint64_t value);
  /// Borrows until the next reset().
  void bind(int parameter, std::string_view bytes);

  enum class Step : std::uint8_t { kRow, kDone };
  Result<Step> step();
  /// For statements without rows: steps to the end and makes it ready for the next use.
  Status run();
  void reset();

  std::uint64_t number(int column) const;
  /// Valid until the next step() or reset().
  std::string_view bytes(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(class Database& database, sqlite3_stmt* statement)
      : database_(&database), statement_(statement) {}

  class Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Outlives its statements and does not move.
class Database {
 public:
  /// Creates the file when it is not there.  Nothing has been read yet.
  static Result<std::unique_ptr<Database>> open(const std::string& path);

  Result<Statement> prepare(const std::string& sql);
  Status execute(const std::string& sql);
  /// The single number that a query gives.
  Result<std::uint64_t> query_number(const std::string& sql);

  /// kCorruption, with what the owner of the file can do about it.
  Status damaged(const std::string& what) const;

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  explicit Database(std::string path) : path_(std::move(path)) {}
  Status error(int code) const;

  const std::string path_;
  std::unique_ptr<sqlite3, Close> connection_;
};

}  // namespace fanfold::master
