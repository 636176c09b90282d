#include "cli/job/job_spec.hpp"

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>

#include "cli/job/gather_choice.hpp"
#include "cli/job/job_source.hpp"
#include "cli/job/parameters.hpp"
#include "cli/text/suggest.hpp"
#include "common/core/limits.hpp"
#include "common/io/scheme.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

constexpr std::string_view kStandardInput = "-";

Status refuse(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

Result<proto::FileReference> reference(const std::string& working_directory,
                                       const std::string& name, const std::string& path) {
  proto::FileReference file;
  file.path = absolute_path(working_directory, path);
  file.name = name.empty() ? std::filesystem::path(file.path).filename().string() : name;
  FANFOLD_ASSIGN_OR_RETURN(file.sha256, worker::sha256_of(file.path));
  return file;
}

Result<std::vector<proto::FileReference>> side_files(const std::string& working_directory,
                                                     const std::vector<std::string>& words) {
  std::vector<proto::FileReference> files;
  std::set<std::string> names;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == word.size()) {
      return refuse("--file '" + word + "' is not of the form NAME=PATH.");
    }
    const std::string name = word.substr(0, equals);
    if (!names.insert(name).second) return refuse("side file '" + name + "' is given twice.");
    Result<proto::FileReference> file = reference(working_directory, name, word.substr(equals + 1));
    if (!file.ok()) return file.status().with_context("side file '" + name + "'");
    files.push_back(*std::move(file));
  }
  return files;
}

Result<std::string> resolve_input(const std::string& working_directory, const abi::JobInfo& job,
                                  const std::string& word) {
  std::string prefix;
  std::string path = word;
  if (!job.inputs.empty()) {
    const std::size_t equals = word.find('=');
    const std::string tag = equals == std::string::npos ? "" : word.substr(0, equals);
    if (std::find(job.inputs.begin(), job.inputs.end(), tag) == job.inputs.end()) {
      return refuse("input '" + word + "' does not say which input of job '" + job.name +
                    "' it is; write " + job.inputs.front() + "=PATH" +
                    (job.inputs.size() > 1 ? " or " + job.inputs.back() + "=PATH" : "") + "." +
                    (tag.empty() ? "" : did_you_mean(tag, job.inputs)));
    }
    prefix = tag + "=";
    path = word.substr(equals + 1);
  }
  if (path.empty()) return refuse("an input is empty; give a file, a directory or a pattern.");
  if (path == kStandardInput) return prefix + path;
  // "@list" names a file that lists inputs; a file that is called so is written "./@list".
  if (path.starts_with('@')) {
    if (path.size() == 1) return refuse("input '@' lacks the name of the list file.");
    prefix += '@';
    path.erase(0, 1);
  }
  return prefix + absolute_path(working_directory, path);
}

Status resolve_inputs(const std::string& working_directory, const abi::JobInfo& job,
                      const std::vector<std::string>& words, proto::JobSpec* spec) {
  std::set<std::string> tags;
  for (const std::string& word : words) {
    FANFOLD_ASSIGN_OR_RETURN(std::string input, resolve_input(working_directory, job, word));
    if (!job.inputs.empty()) tags.insert(input.substr(0, input.find('=')));
    spec->inputs.push_back(std::move(input));
  }
  if (std::count_if(spec->inputs.begin(), spec->inputs.end(), is_standard_input) > 1)
    return refuse("standard input ('-') can be read only once.");
  for (const std::string& tag : job.inputs) {
    if (tags.find(tag) == tags.end()) {
      return refuse("job '" + job.name + "' needs an input '" + tag + "': write " + tag + "=PATH.");
    }
  }
  return Status();
}

Status refuse_length(const std::string& value) {
  return refuse("parameter 'record_length' is '" + value +
                "'; it has to be a number of bytes from " + "1 to " +
                std::to_string(limits::kRecordBytes) + ".");
}

// A job that leaves the record length open takes it from its parameter.
Status decide_fixed_length(const abi::JobInfo& job, proto::JobSpec* spec) {
  spec->fixed_length = job.fixed_length;
  if (job.format != abi::RecordFormat::kFixed || job.fixed_length != 0) return Status();
  const auto parameter = spec->parameters.find("record_length");
  const std::string value = parameter == spec->parameters.end() ? "" : parameter->second;
  std::uint64_t length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9' || length > limits::kRecordBytes) return refuse_length(value);
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (length == 0 || length > limits::kRecordBytes) return refuse_length(value);
  spec->fixed_length = length;
  return Status();
}

void copy_request(const JobRequest& request, proto::JobSpec* spec) {
  spec->partitions = request.partitions;
  spec->on_exists = request.on_exists;
  spec->output_format = request.format.value_or(abi::OutputFormat::kText);
  spec->output_compression = request.compression;
  spec->shuffle = request.shuffle;
  spec->shuffle_mode = request.shuffle_mode;
  spec->split_bytes = request.split_bytes;
  spec->memory_bytes = request.memory_bytes;
  spec->attempts_max = request.attempts_max;
  spec->task_timeout_ms = request.task_timeout_ms;
  spec->speculate = request.speculate;
  spec->measure_keys = request.measure_keys;
  spec->hot_partition_bytes = request.hot_partition_bytes;
  spec->completion = request.completion;
  spec->control = request.control;
  spec->deadline_ms = request.deadline_ms;
  spec->on_deadline = request.on_deadline;
  spec->retry = request.retry;
  spec->bad_records = request.bad_records;
  spec->replicas = request.replicas;
  spec->stall_timeout_ms = request.stall_timeout_ms;
  spec->open = request.open;
  spec->locality_wait_ms = request.locality_wait_ms;
}

void copy_job_info(const abi::JobInfo& job, proto::JobSpec* spec) {
  spec->job_name = job.name;
  spec->format = job.format;
  spec->csv_header = job.csv_header;
  spec->partitioning = job.partitioning;
  spec->key_order = job.key_order;
  spec->input_tags = job.inputs;
}

}  // namespace

std::string make_client_id() {
  std::random_device source;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    std::uint32_t bits = source();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4) id += "0123456789abcdef"[bits & 0xf];
  }
  return id;
}

Result<proto::JobSpec> make_job_spec(const Surroundings& surroundings, const JobRequest& request) {
  const std::string& directory = surroundings.working_directory;
  FANFOLD_ASSIGN_OR_RETURN(const JobSource source, find_job_source(surroundings.program_directory,
                                                                   request.job, request.plugin));
  const std::string path = absolute_path(directory, source.plugin);
  FANFOLD_ASSIGN_OR_RETURN(const abi::Plugin plugin, worker::describe_plugin(path));
  FANFOLD_ASSIGN_OR_RETURN(const abi::JobInfo* job,
                           worker::find_job(plugin, source.job_name, path));

  proto::JobSpec spec;
  copy_job_info(*job, &spec);
  copy_request(request, &spec);
  FANFOLD_RETURN_IF_ERROR(choose_gather(*job, request, &spec));
  // Branches are folded already, and of values that are sorted folding leaves none to sort.
  spec.fold_hot = job->has_combiner && !job->order_values &&
                  spec.gather.how != abi::Gather::kReduce &&
                  spec.hot_partition_bytes != proto::kNeverHot;
  FANFOLD_ASSIGN_OR_RETURN(spec.parameters, complete_parameters(*job, request.parameters));
  FANFOLD_RETURN_IF_ERROR(decide_fixed_length(*job, &spec));
  FANFOLD_RETURN_IF_ERROR(resolve_inputs(directory, *job, request.inputs, &spec));
  spec.prefer = request.prefer;
  for (proto::Preference& one : spec.prefer) one.pattern = absolute_path(directory, one.pattern);
  if (request.output.empty()) return refuse("the output directory (-o) is empty.");
  spec.output = absolute_path(directory, request.output);
  FANFOLD_ASSIGN_OR_RETURN(spec.plugin, reference(directory, "", path));
  FANFOLD_ASSIGN_OR_RETURN(spec.side_files, side_files(directory, request.side_files));
  spec.verify_per_million = request.verify_per_million;
  spec.client_id = request.client_id.empty() ? make_client_id() : request.client_id;
  spec.submitted_by = surroundings.user;
  spec.traceparent = request.traceparent.empty() ? surroundings.traceparent : request.traceparent;
  return spec;
}

std::string absolute_path(const std::string& working_directory, const std::string& path) {
  // Keys of an object store mean each of their letters.
  if (!io::scheme_of(path).empty()) return io::without_slashes_at_end(path);
  std::filesystem::path joined = std::filesystem::path(working_directory) / path;
  std::string text = joined.string();
  // "a/../b" stays: with a symbolic link "a" it is not "b".
  std::string clean;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    const std::string_view part = std::string_view(text).substr(begin, end - begin);
    if (!part.empty() && part != ".") clean.append("/").append(part);
    begin = end + 1;
  }
  return clean.empty() ? "/" : clean;
}

}  // namespace fanfold::cli
