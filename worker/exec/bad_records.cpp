#include "worker/exec/bad_records.hpp"

#include <algorithm>
#include <new>

#include "common/io/dead_letter.hpp"
#include "common/io/record_rules.hpp"
#include "fanfold/hash.hpp"
#include "worker/exec/attempt_host.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

/// A letter is read by a person.
constexpr std::size_t kReasonBytes = 8u << 10;
/// Named in the attempt's log; the letters name all.
constexpr std::uint64_t kLogged = 100;

}  // namespace

const proto::BadRecordPolicy& BadRecords::policy() const {
  return request_.assignment->spec.bad_records;
}

std::span<const std::uint64_t> BadRecords::enter(const abi::InputBlock& block) {
  block_ = block;
  passed_over_.clear();
  if (request_.bad_records == nullptr) return {};
  const std::uint64_t end = block.offset + block.bytes.size();
  for (const BadRecord& bad : *request_.bad_records) {
    if (bad.file != block.file || bad.offset < block.offset || bad.offset >= end) continue;
    passed_over_.push_back(bad.offset);
    add(bad);
  }
  std::sort(passed_over_.begin(), passed_over_.end());
  return passed_over_;
}

void BadRecords::note(std::uint64_t offset, bool undone) {
  BadRecord bad{std::string(block_.file), offset, proto::FailureKind::kException, {}, {}};
  try {
    throw;
  } catch (const std::bad_alloc&) {
    // A budget that is too small is no fault of the record.
    throw;
  } catch (...) {
    bad.message = describe_current_exception();
  }
  to_blame_ = !undone;
  if (!undone) throw;
  add(bad);
}

void BadRecords::add(const BadRecord& bad) {
  // A map reads what a sample has read again.
  if (request_.assignment->task.stage != Stage::kMap) return;
  const std::uint64_t limit = policy().records_max;
  if (limit != 0 && skipped_ + dead_letters_ == limit) {
    host_.fail_at_record(
        bad, "more than " + std::to_string(limit) +
                 " bad records (--bad-records-max) in one map task; the last: " + bad.message);
  }
  if (logged_++ < kLogged) {
    host_.log("fanfold: bad record at byte " + std::to_string(bad.offset) + " of " + bad.file +
              ": " + proto::error_name(bad.kind) + ": " + bad.message.substr(0, kReasonBytes));
  }
  if (policy().what != proto::OnBadRecord::kDeadLetter) {
    ++skipped_;
    return;
  }
  write_letter(bad);
  ++dead_letters_;
}

std::string_view BadRecords::record_at(std::uint64_t offset) const {
  const std::string_view rest = block_.bytes.substr(offset - block_.offset);
  switch (request_.assignment->spec.format) {
    case abi::RecordFormat::kLines:
    case abi::RecordFormat::kKeyValue:
    case abi::RecordFormat::kJsonLines:
      return rest.substr(0, io::LineRule::first_end(rest, 0));
    case abi::RecordFormat::kCsv:
      return rest.substr(0, io::CsvRule::first_end(rest, 0));
    case abi::RecordFormat::kFixed:
      return rest.substr(0, request_.assignment->spec.fixed_length);
    case abi::RecordFormat::kWholeFile:
      break;
  }
  return rest;
}

void BadRecords::write_letter(const BadRecord& bad) {
  const proto::TaskAssignment& assignment = *request_.assignment;
  const std::string_view record = record_at(bad.offset);
  io::DeadLetter letter;
  letter.job = assignment.task.job.value;
  letter.job_name = assignment.spec.job_name;
  letter.split = assignment.task.index;
  letter.attempt = assignment.attempt.value;
  letter.attempt_number = assignment.attempt_number;
  letter.file = bad.file;
  letter.tag = block_.tag;
  letter.offset = bad.offset;
  letter.bytes = record.size();
  letter.xxh3_64 = hash(record);
  letter.error = proto::error_name(bad.kind);
  letter.reason = bad.message.substr(0, kReasonBytes);
  letter.stack = bad.stack;
  const std::string& trace = assignment.spec.traceparent;
  letter.correlation_id = trace.empty() ? assignment.spec.client_id : trace;
  letter.record = record.substr(0, io::kDeadLetterRecordBytes);
  host_.write_dead_letter(io::to_line(letter));
}

}  // namespace fanfold::worker
