#include "tests/chaos/oracle.hpp"

#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "cli/job/job_spec.hpp"
#include "cli/local/in_process.hpp"

namespace fanfold::chaos {
namespace {

namespace fs = std::filesystem;

/// The only fault that is charged to a task is the death of its executor, and those come at random.
constexpr std::uint32_t kAttempts = 100;
constexpr std::uint32_t kVocabulary = 50'000;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string_view> lines_of(const std::string& text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::vector<std::string> part_names(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("part-")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string concatenation(const std::string& directory) {
  std::string all;
  for (const std::string& name : part_names(directory)) all += read_file(directory + "/" + name);
  return all;
}

bool is_sorted_version(const std::string& output, const std::string& input) {
  std::vector<std::string_view> lines = lines_of(input);
  std::stable_sort(lines.begin(), lines.end());
  return lines == lines_of(output);
}

bool counts_words_of(const std::string& output, const std::string& input) {
  std::unordered_map<std::string_view, std::uint64_t> counts;
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t end = std::min(input.find_first_of(" \n", at), input.size());
    if (end > at) ++counts[std::string_view(input).substr(at, end - at)];
    at = end + 1;
  }
  std::vector<std::string> expected;
  for (const auto& [word, count] : counts) {
    expected.push_back(std::string(word) + "\t" + std::to_string(count));
  }
  std::sort(expected.begin(), expected.end());
  std::vector<std::string_view> got = lines_of(output);
  std::sort(got.begin(), got.end());
  return std::equal(got.begin(), got.end(), expected.begin(), expected.end());
}

}  // namespace

Fingerprint fingerprint_of(const std::string& directory) {
  Fingerprint fingerprint;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    std::string content = read_file(entry.path().string());
    if (name == "_SUCCESS") {
      nlohmann::json manifest = nlohmann::json::parse(content, nullptr, false);
      if (manifest.is_object()) manifest.erase("run");
      fingerprint[name] = manifest.dump(2);
    } else {
      fingerprint[name] = std::to_string(content.size()) + " bytes, checksum " +
                          std::to_string(XXH3_64bits(content.data(), content.size()));
    }
  }
  return fingerprint;
}

Oracle::Oracle(const e2e::Workspace& workspace, const OracleOptions& options)
    : workspace_(workspace), input_(workspace.path("in.txt")) {
  write_input(options);
  for (const std::string& job : jobs_) {
    specs_[job] = make_spec(job, options);
    run_undisturbed(job);
  }
}

void Oracle::write_input(const OracleOptions& options) {
  std::mt19937_64 random(options.seed);
  std::vector<std::string> words;
  for (std::uint32_t word = 0; word < kVocabulary; ++word)
    words.push_back("w" + std::to_string(word));
  std::string text;
  text.reserve(options.input_bytes + 256);
  while (text.size() < options.input_bytes) {
    std::uint64_t bits = random();
    for (std::uint64_t left = bits % 12; left > 0; --left) {
      // The least of two draws: small numbers are frequent.
      bits = random();
      text += words[std::min(bits % kVocabulary, (bits >> 32) % kVocabulary)];
      if (left > 1) text += ' ';
    }
    text += '\n';
  }
  std::ofstream(input_, std::ios::binary) << text;
}

proto::JobSpec Oracle::make_spec(const std::string& job, const OracleOptions& options) const {
  cli::JobRequest request;
  request.job = job;
  request.inputs = {input_};
  request.output = workspace_.path("expected-" + job);
  request.partitions = options.partitions;
  request.split_bytes = options.split_bytes;
  request.attempts_max = kAttempts;
  auto spec = cli::make_job_spec(
      {fs::path(FANFOLD_BIN).parent_path().string(), workspace_.root(), "chaos", {}}, request);
  if (!spec.ok()) throw std::runtime_error(spec.status().message());
  return *std::move(spec);
}

void Oracle::run_undisturbed(const std::string& job) {
  cli::InProcessOptions options;
  options.temporary_directory = workspace_.temporary();
  const auto status = cli::run_in_process(spec(job), options);
  if (!status.ok()) throw std::runtime_error(job + ": " + status.status().message());
  if (status->state != proto::JobState::kSucceeded)
    throw std::runtime_error(job + ": " + status->reason);
  const std::string output = concatenation(spec(job).output);
  const std::string input = read_file(input_);
  const bool right =
      job == "sort" ? is_sorted_version(output, input) : counts_words_of(output, input);
  if (!right) throw std::runtime_error(job + " gives wrong output where nothing goes wrong");
  expected_[job] = fingerprint_of(spec(job).output);
}

std::string Oracle::difference(const std::string& job, const std::string& directory) const {
  const Fingerprint got = fingerprint_of(directory);
  const Fingerprint& expected = expected_.at(job);
  std::string text;
  for (const auto& [name, content] : expected) {
    const auto found = got.find(name);
    if (found == got.end()) {
      text += name + " is missing\n";
    } else if (found->second != content) {
      text += name + " is " + found->second + "\n  expected " + content + "\n";
    }
  }
  for (const auto& [name, content] : got) {
    if (expected.find(name) == expected.end()) text += name + " is too much\n";
  }
  return text;
}

}  // namespace fanfold::chaos
