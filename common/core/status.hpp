// Status and Result<T>: the outcome of an operation that is expected to fail sometimes.
// Bugs are not Statuses; they are FANFOLD_CHECK failures (common/core/check.hpp).

#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fanfold {

/// A code exists only if some caller reacts to it differently from the others.
enum class StatusCode : std::uint8_t {
  kOk = 0,
  kInvalidArgument = 1,  // The caller asked for something meaningless; do not retry.
  kNotFound = 2,
  kCorruption = 3,   // Bytes from disk or wire failed validation; discard and refetch.
  kUnavailable = 4,  // A peer or resource is away; retrying later may work.
  kExhausted = 5,    // A configured limit was hit; see common/core/limits.hpp.
  kAborted = 6,      // User code or the operator stopped the work.
  kIoError = 7,
  kAlreadyExists = 8,  // Something is in the way; --on-exists may allow replacing it.
  kNoSpace = 9,        // The disk is full: infrastructure, back off.
};

class [[nodiscard]] Status {
 public:
  Status() = default;  // OK
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  /// "<context>: <message>"; a no-op on OK.  Call it once per layer crossed.
  Status with_context(std::string_view context) && {
    if (!ok()) message_ = std::string(context) + ": " + message_;
    return std::move(*this);
  }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

/// A T, or the Status explaining its absence.  (std::expected arrives with C++23.)
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Status status) : state_(std::move(status)) {
    if (std::get<Status>(state_).ok()) std::abort();  // An OK status carries no T.
  }

  bool ok() const { return std::holds_alternative<T>(state_); }
  Status status() const { return ok() ? Status() : std::get<Status>(state_); }

  T& operator*() & { return std::get<T>(state_); }
  const T& operator*() const& { return std::get<T>(state_); }
  T&& operator*() && { return std::get<T>(std::move(state_)); }
  T* operator->() { return &std::get<T>(state_); }
  const T* operator->() const { return &std::get<T>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace fanfold

/// Returns early from the enclosing function when `expr` is not OK.
#define FANFOLD_RETURN_IF_ERROR(expr)                                                              \
  do {                                                                                             \
    if (::fanfold::Status fanfold_status_ = (expr); !fanfold_status_.ok()) return fanfold_status_; \
  } while (false)

#define FANFOLD_CONCAT_(a, b) a##b
#define FANFOLD_CONCAT(a, b) FANFOLD_CONCAT_(a, b)
/// FANFOLD_ASSIGN_OR_RETURN(auto file, fs.open(path));
#define FANFOLD_ASSIGN_OR_RETURN(lhs, expr) \
  FANFOLD_ASSIGN_IMPL_(FANFOLD_CONCAT(fanfold_result_, __LINE__), lhs, expr)
#define FANFOLD_ASSIGN_IMPL_(result, lhs, expr) \
  auto result = (expr);                         \
  if (!result.ok()) return result.status();     \
  lhs = *std::move(result)
