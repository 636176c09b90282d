#include "tests/exec/exec_fixture.hpp"

#include <fanfold/detail/merger.hpp>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

namespace fanfold::worker {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  FANFOLD_CHECK(in.good());
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string contents_of_run(const std::string& path) {
  io::FileSystem& files = io::posix_file_system();
  const auto segments = io::read_run_index(files, path);
  FANFOLD_CHECK(segments.ok());
  std::string contents;
  const auto note = [&contents](const char* name, std::uint64_t value) {
    contents += name + std::to_string(value) + "\n";
  };
  for (const io::Segment& segment : *segments) {
    note("partition ", segment.partition);
    note("records ", segment.summary.records);
    note("sum ", segment.summary.sum);
    note("exclusive or ", segment.summary.exclusive_or);
    const auto reader = io::open_segment(files, path, segment);
    FANFOLD_CHECK(reader.ok());
    for (;;) {
      const auto block = (*reader)->next();
      FANFOLD_CHECK(block.ok());
      if (block->empty()) break;
      note("block ", block->size());
      contents += *block;
    }
  }
  return contents;
}

proto::TaskAssignment ExecFixture::assignment_of(const Plan& plan) {
  proto::TaskAssignment assignment;
  assignment.attempt = AttemptId{++attempts_};
  assignment.task = {kJob, plan.stage, plan.index};
  assignment.spec = plan.spec;
  assignment.spec.format = plan.job->format;
  for (const abi::Parameter& parameter : plan.job->parameters) {
    assignment.spec.parameters.emplace(parameter.name, parameter.default_value);
  }
  assignment.partitions = plan.partitions;
  assignment.staging = directory_.path("staging");
  assignment.splitters = plan.splitters;
  assignment.gather_inputs = plan.gather_inputs;
  assignment.branch = plan.branch;
  assignment.share = plan.share;
  for (const std::string& path : plan.inputs) {
    io::Piece piece;
    piece.path = path;
    std::error_code missing;
    piece.end = std::filesystem::file_size(path, missing);
    if (missing) piece.end = 1000;
    assignment.split.bytes += piece.end;
    assignment.split.pieces.push_back(piece);
  }
  return assignment;
}

ExecFixture::Run ExecFixture::run(io::FileSystem& files, const Plan& plan) {
  const proto::TaskAssignment assignment = assignment_of(plan);
  std::atomic<std::uint64_t> bytes_read{0};
  RunRequest request;
  request.assignment = &assignment;
  request.job = plan.job;
  request.scratch = scratch(assignment.attempt);
  request.segments = plan.list != nullptr ? plan.list : make_segment_list(plan.segments);
  request.kept_runs = plan.kept_runs;
  request.bytes_read = &bytes_read;
  request.side_files = plan.side_files;
  request.memory_bytes = plan.memory_bytes;
  Run result;
  result.attempt = assignment.attempt;
  result.outcome = run_task(files, request);
  result.bytes_read = bytes_read;
  return result;
}

std::vector<std::string> ExecFixture::left_by(AttemptId attempt) const {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(scratch(attempt), missing)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

LocalSegment ExecFixture::local(const Run& map, std::uint32_t split) const {
  LocalSegment segment;
  segment.output = {split, map.attempt, 0};
  segment.path = output_path(map.attempt);
  return segment;
}

LocalSegment ExecFixture::fetched(const Run& map, std::uint32_t split,
                                  std::uint32_t partition) const {
  LocalSegment segment = local(map, split);
  const auto found = io::find_segment(io::posix_file_system(), segment.path, partition);
  FANFOLD_CHECK(found.ok());
  segment.fetched = true;
  segment.segment = *found;
  const std::string stored =
      bytes_of(segment.path).substr(found->offset, static_cast<std::size_t>(found->stored_bytes));
  segment.segment.offset = 0;
  segment.path = directory_.write(
      "fetched/" + std::to_string(map.attempt.value) + "-" + std::to_string(partition), stored);
  return segment;
}

ExecFixture::Pairs ExecFixture::records_of(const std::string& run_file,
                                           std::uint32_t partition) const {
  Pairs pairs;
  io::FileSystem& files = io::posix_file_system();
  const auto segment = io::find_segment(files, run_file, partition);
  EXPECT_TRUE(segment.ok()) << segment.status().message();
  if (!segment.ok() || segment->summary.records == 0) return pairs;
  const auto reader = io::open_segment(files, run_file, *segment);
  EXPECT_TRUE(reader.ok()) << reader.status().message();
  if (!reader.ok()) return pairs;
  for (;;) {
    const auto block = (*reader)->next();
    EXPECT_TRUE(block.ok()) << block.status().message();
    if (!block.ok() || block->empty()) return pairs;
    detail::Record record;
    for (std::string_view rest = *block; !rest.empty(); rest.remove_prefix(record.bytes.size())) {
      FANFOLD_CHECK(detail::parse_record(rest, record));
      pairs.emplace_back(record.key, record.value);
    }
  }
}

std::string ExecFixture::text_of(std::uint64_t seed, std::size_t lines, std::uint64_t vocabulary) {
  std::mt19937_64 random(seed);
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    for (int word = 0; word < 8; ++word) {
      if (word > 0) text += ' ';
      text += 'w' + std::to_string(random() % vocabulary);
    }
    text += '\n';
  }
  return text;
}

std::map<std::string, std::uint64_t> ExecFixture::count_words(const std::string& text) {
  std::map<std::string, std::uint64_t> counts;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) ++counts[word];
  return counts;
}

}  // namespace fanfold::worker
