#include "sim/doors/task_work.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>

#include "common/io/checked_part.hpp"
#include "common/io/dead_letter.hpp"
#include "common/io/part_file.hpp"
#include "common/io/piece_reader.hpp"
#include "common/io/run_file.hpp"
#include "common/proto/failures.hpp"
#include "common/proto/flow.hpp"
#include "common/proto/gather.hpp"
#include "fanfold/hash.hpp"
#include "sim/doors/host_files.hpp"
#include "sim/world/draws.hpp"
#include "worker/exec/part_place.hpp"

namespace fanfold::sim {
namespace {

using proto::FailureKind;
using worker::AttemptEnded;

AttemptEnded failed(FailureKind kind, const Status& why) {
  AttemptEnded ended;
  ended.failure.kind = kind;
  ended.failure.message = why.message();
  return ended;
}

/// As the production executor classifies what its disk says.
AttemptEnded failed(const Status& why) {
  return failed(why.code() == StatusCode::kNoSpace ? FailureKind::kNoSpace : FailureKind::kIo, why);
}

std::string block_of(const std::vector<std::uint64_t>& numbers) {
  std::string bytes(numbers.size() * sizeof(std::uint64_t), '\0');
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

abi::BlockSummary summary_of(const std::vector<std::uint64_t>& numbers) {
  abi::BlockSummary summary;
  for (const std::uint64_t number : numbers) {
    const std::uint64_t digest = scramble(number);
    ++summary.records;
    summary.sum += digest;
    summary.exclusive_or ^= digest;
  }
  return summary;
}

/// Where the disks have it.
Result<io::Piece> find_piece(const worker::ExecutorTask& task, io::Piece piece) {
  if (!inputs::is_host_input(piece.path)) return piece;
  if (inputs::split_host_input(piece.path).host != task.host_inputs.host) {
    return Status(StatusCode::kInvalidArgument, piece.path + " lies on another host");
  }
  piece.path = disk_path(piece.path);
  return piece;
}

Result<std::vector<std::uint64_t>> read_split(io::FileSystem& files,
                                              const worker::ExecutorTask& task) {
  std::vector<std::uint64_t> numbers;
  io::ReadOptions options;
  options.block_bytes = 4096;
  for (const io::Piece& named : task.assignment.split.pieces) {
    FANFOLD_ASSIGN_OR_RETURN(const io::Piece piece, find_piece(task, named));
    FANFOLD_ASSIGN_OR_RETURN(const auto reader, io::open_piece(files, piece, options));
    while (true) {
      FANFOLD_ASSIGN_OR_RETURN(const auto block, reader->next());
      if (!block) break;
      const std::vector<std::uint64_t> some = numbers_in(block->bytes);
      numbers.insert(numbers.end(), some.begin(), some.end());
    }
  }
  return numbers;
}

std::uint32_t partition_for(std::uint64_t number, const TaskOptions& options,
                            const proto::TaskAssignment& assignment) {
  if (worker::has_branch(assignment)) return assignment.branch;
  const std::uint64_t salt = options.nondeterministic ? assignment.attempt.value : 0;
  return partition_of(scramble(number ^ salt), assignment.partitions);
}

Status write_run(io::FileSystem& files, const worker::ExecutorTask& task,
                 const std::vector<std::vector<std::uint64_t>>& partitions,
                 abi::BlockSummary* flow) {
  FANFOLD_RETURN_IF_ERROR(files.make_directories(task.scratch));
  FANFOLD_ASSIGN_OR_RETURN(const auto run, io::create_run_file(files, task.scratch + "/output.run",
                                                               io::BlockCompression::kNone));
  for (std::uint32_t partition = 0; partition < partitions.size(); ++partition) {
    const std::vector<std::uint64_t>& numbers = partitions[partition];
    if (numbers.empty()) continue;
    FANFOLD_RETURN_IF_ERROR(run->write(partition, block_of(numbers), summary_of(numbers)));
    proto::add_flow(flow, proto::flow_of(partition, summary_of(numbers)));
  }
  return run->finish();
}

void tell(Witness& witness, AttemptId writer, std::vector<std::vector<std::uint64_t>> partitions) {
  for (std::uint32_t i = 0; i < partitions.size(); ++i) {
    std::sort(partitions[i].begin(), partitions[i].end());
    witness.output_written(writer, i, hash(block_of(partitions[i])));
  }
}

Result<io::PartInfo> write_letters(io::FileSystem& files, const proto::TaskAssignment& assignment,
                                   const std::vector<worker::BadRecord>& bad) {
  const std::string directory = assignment.staging + "/" + std::to_string(assignment.attempt.value);
  FANFOLD_RETURN_IF_ERROR(files.make_directory(directory));
  FANFOLD_ASSIGN_OR_RETURN(const auto part,
                           io::create_part(files, directory + "/" + io::kDeadLettersName,
                                           io::kDeadLettersName, io::PartCompression::kNone));
  for (const worker::BadRecord& one : bad) {
    io::DeadLetter letter;
    letter.job = assignment.task.job.value;
    letter.split = assignment.task.index;
    letter.attempt = assignment.attempt.value;
    letter.file = one.file;
    letter.offset = one.offset;
    letter.error = proto::error_name(one.kind);
    FANFOLD_RETURN_IF_ERROR(part->write(io::to_line(letter), 1));
  }
  FANFOLD_RETURN_IF_ERROR(part->finish());
  return part->info();
}

/// As the production host counts them.
Status account(io::FileSystem& files, const proto::TaskAssignment& assignment,
               const std::vector<worker::BadRecord>& bad, proto::AttemptReport* report) {
  report->records_mapped = report->records_in - bad.size();
  if (assignment.spec.bad_records.what != proto::OnBadRecord::kDeadLetter) {
    report->records_skipped = bad.size();
    return {};
  }
  report->dead_letters = bad.size();
  if (bad.empty()) return {};
  FANFOLD_ASSIGN_OR_RETURN(io::PartInfo letters, write_letters(files, assignment, bad));
  report->files.push_back(std::move(letters));
  return {};
}

/// As the production host counts them.
std::uint64_t failures_of(const std::vector<std::uint64_t>& numbers, const Failing& failing) {
  constexpr auto kNever = static_cast<std::uint64_t>(proto::kNeverTolerated);
  std::uint64_t failures = 0;
  for (const std::uint64_t number : numbers) {
    if (const auto one = failing.find(number); one != failing.end()) failures += one->second;
  }
  return failures < kNever ? failures : proto::kAnyNumber;
}

/// One number becomes another one; the same one each time.
void corrupt(std::vector<std::vector<std::uint64_t>>* partitions) {
  for (std::vector<std::uint64_t>& numbers : *partitions) {
    if (numbers.empty()) continue;
    numbers.front() += kNumbersPerJob / 2;
    return;
  }
}

/// Numbers lie evenly; some are said to be more than they are.
void exaggerate(const proto::TaskAssignment& assignment, proto::AttemptReport* report) {
  if (assignment.spec.hot_partition_bytes == proto::kHotFromUsualBytes) report->bytes_out <<= 17;
  const auto heavy = static_cast<std::uint32_t>(assignment.task.job.value % assignment.partitions);
  report->heavy_partitions = {{heavy, report->bytes_out}};
  if (assignment.partitions < 4 || assignment.partitions % 2 != 0) return;
  // Two of them, of which each is hot.
  report->heavy_partitions[0].bytes /= 2;
  report->heavy_partitions.push_back(
      {(heavy + 1) % assignment.partitions, report->bytes_out - report->bytes_out / 2});
}

AttemptEnded map(io::FileSystem& files, Witness& witness, const TaskOptions& options,
                 const worker::ExecutorTask& task, const std::vector<worker::BadRecord>& bad) {
  const proto::TaskAssignment& assignment = task.assignment;
  const auto numbers = read_split(files, task);
  if (!numbers.ok()) return failed(FailureKind::kInput, numbers.status());
  std::set<std::uint64_t> left_out;
  for (const worker::BadRecord& one : bad) left_out.insert(number_at(one.file, one.offset));
  std::vector<std::vector<std::uint64_t>> partitions(assignment.partitions);
  for (const std::uint64_t number : *numbers) {
    if (left_out.contains(number)) continue;
    partitions[partition_for(number, options, assignment)].push_back(number);
  }
  if (options.corrupt) corrupt(&partitions);
  AttemptEnded ended;
  ended.report.records_in = numbers->size();
  ended.report.failures = failures_of(*numbers, options.failing);
  if (const Status noted = account(files, assignment, bad, &ended.report); !noted.ok()) {
    return failed(noted);
  }
  ended.report.records_out = ended.report.records_mapped;
  ended.report.output_empty = ended.report.records_mapped == 0;
  if (!ended.report.output_empty) {
    if (const Status written = write_run(files, task, partitions, &ended.report.flow);
        !written.ok()) {
      return failed(written);
    }
    ended.report.bytes_out = ended.report.records_mapped * sizeof(std::uint64_t);
    exaggerate(assignment, &ended.report);
    tell(witness, assignment.attempt, std::move(partitions));
  }
  ended.succeeded = true;
  return ended;
}

Status read_segment(io::FileSystem& files, const worker::LocalSegment& local,
                    std::uint32_t partition, std::vector<std::uint64_t>* numbers,
                    abi::BlockSummary* flow) {
  io::Segment segment = local.segment;
  if (!local.fetched) {
    FANFOLD_ASSIGN_OR_RETURN(segment, io::find_segment(files, local.path, partition));
  }
  proto::add_flow(flow, proto::flow_of(partition, segment.summary));
  if (segment.summary.records == 0) return {};
  FANFOLD_ASSIGN_OR_RETURN(const auto reader, io::open_segment(files, local.path, segment));
  while (true) {
    FANFOLD_ASSIGN_OR_RETURN(const std::string_view block, reader->next());
    if (block.empty()) return {};
    const std::size_t before = numbers->size();
    numbers->resize(before + block.size() / sizeof(std::uint64_t));
    std::memcpy(numbers->data() + before, block.data(), block.size());
  }
}

Result<io::PartInfo> write_part(io::FileSystem& files, const proto::TaskAssignment& assignment,
                                const std::vector<std::uint64_t>& numbers) {
  const std::string directory = assignment.staging + "/" + std::to_string(assignment.attempt.value);
  FANFOLD_RETURN_IF_ERROR(files.make_directory(directory));
  // What is in such a run is nothing to the master; here it is lines as well.
  const std::string name = worker::leaves_run(assignment) ? proto::kGatherRunName
                                                          : worker::place_of(assignment, "").file;
  FANFOLD_ASSIGN_OR_RETURN(const auto part, io::create_part(files, directory + "/" + name, name,
                                                            io::PartCompression::kNone));
  std::string lines;
  for (const std::uint64_t number : numbers) lines += line_of(number);
  FANFOLD_RETURN_IF_ERROR(part->write(lines, numbers.size()));
  FANFOLD_RETURN_IF_ERROR(part->finish());
  return part->info();
}

/// What was changed is the same for everybody.
AttemptEnded unreadable(const Status& why) {
  return why.code() == StatusCode::kCorruption ? failed(FailureKind::kInput, why) : failed(why);
}

/// What other tasks have left, one behind the other or merged; nullopt: all of it was read.
std::optional<AttemptEnded> read_runs(io::FileSystem& files,
                                      const proto::TaskAssignment& assignment,
                                      std::vector<std::uint64_t>* numbers) {
  for (const proto::GatherInput& input : assignment.gather_inputs) {
    const std::string path =
        assignment.staging + "/" + std::to_string(input.attempt.value) + "/" + input.file.name;
    const auto file = io::open_checked_part(files, path, input.file);
    if (!file.ok()) return unreadable(file.status());
    std::string bytes(input.file.bytes, '\0');
    const auto count = (*file)->read_at(0, bytes);
    if (!count.ok()) return unreadable(count.status());
    const std::vector<std::uint64_t> some = numbers_in(bytes);
    const auto middle = numbers->insert(numbers->end(), some.begin(), some.end());
    if (!worker::joins(assignment)) std::inplace_merge(numbers->begin(), middle, numbers->end());
  }
  return std::nullopt;
}

AttemptEnded reduce(io::FileSystem& files, Witness& witness, const TaskOptions& options,
                    const worker::ExecutorTask& task) {
  const proto::TaskAssignment& assignment = task.assignment;
  std::vector<std::uint64_t> numbers;
  abi::BlockSummary flow;
  AttemptEnded lost;
  for (const worker::LocalSegment& local : worker::segments_of(task.segments)) {
    std::vector<std::uint64_t> some;
    const Status read = read_segment(files, local, assignment.partition(), &some, &flow);
    if (!read.ok()) {
      if (lost.failure.lost_outputs.empty()) lost = failed(FailureKind::kFetch, read);
      lost.failure.lost_outputs.push_back(local.output);
      continue;
    }
    std::sort(some.begin(), some.end());
    witness.output_read(assignment.attempt, local.output, hash(block_of(some)));
    numbers.insert(numbers.end(), some.begin(), some.end());
  }
  if (!lost.failure.lost_outputs.empty()) return lost;
  if (auto unread = read_runs(files, assignment, &numbers)) return *std::move(unread);
  std::sort(numbers.begin(), numbers.end());
  if (options.corrupt && !numbers.empty()) numbers.front() += kNumbersPerJob / 2;
  const auto part = write_part(files, assignment, numbers);
  if (!part.ok()) return failed(part.status());
  AttemptEnded ended;
  ended.succeeded = true;
  ended.report.records_in = numbers.size();
  ended.report.records_out = numbers.size();
  ended.report.bytes_out = part->bytes;
  ended.report.flow = flow;
  ended.report.files = {*part};
  return ended;
}

/// What the production task does, in one piece.
AttemptEnded gather(io::FileSystem& files, const worker::ExecutorTask& task) {
  const proto::TaskAssignment& assignment = task.assignment;
  std::vector<std::uint64_t> numbers;
  AttemptEnded ended;
  for (const proto::GatherInput& input : assignment.gather_inputs) {
    ended.report.bytes_in += input.file.bytes;
  }
  if (auto unread = read_runs(files, assignment, &numbers)) return *std::move(unread);
  const auto part = write_part(files, assignment, numbers);
  if (!part.ok()) return failed(part.status());
  ended.succeeded = true;
  ended.report.records_in = numbers.size();
  ended.report.records_out = numbers.size();
  ended.report.bytes_out = part->bytes;
  ended.report.files = {*part};
  return ended;
}

}  // namespace

std::string line_of(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "%014llu\n", static_cast<unsigned long long>(number));
  return text;
}

std::uint64_t number_at(std::string_view path, std::uint64_t offset) {
  const std::string job(path.substr(path.rfind('-') + 1));
  std::uint64_t first = 0;
  if (inputs::is_host_input(path)) {
    const std::string_view directory = path.substr(0, path.rfind('/'));
    first =
        std::strtoull(std::string(directory.substr(directory.rfind('/') + 1)).c_str(), nullptr, 10);
  }
  return std::strtoull(job.c_str(), nullptr, 10) * kNumbersPerJob + first + offset / kLineBytes;
}

std::vector<std::uint64_t> numbers_in(std::string_view lines) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t at = 0; at + kLineBytes <= lines.size(); at += kLineBytes) {
    numbers.push_back(
        std::strtoull(std::string(lines.substr(at, kLineBytes)).c_str(), nullptr, 10));
  }
  return numbers;
}

AttemptEnded do_task(io::FileSystem& files, Witness& witness, const TaskOptions& options,
                     const worker::ExecutorTask& task, const std::vector<worker::BadRecord>& bad) {
  if (task.assignment.task.stage == Stage::kReduce) return reduce(files, witness, options, task);
  if (task.assignment.task.stage == Stage::kGather) return gather(files, task);
  return map(files, witness, options, task, bad);
}

}  // namespace fanfold::sim
