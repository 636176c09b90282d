#include "cli/job/job_source.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

constexpr std::string_view kSuffix = ".so";

bool is_plugin_path(const std::string& job) {
  return job.find('/') != std::string::npos || job.ends_with(kSuffix) ||
         job.find(".so:") != std::string::npos;
}

// "dir/x.so:name" -> the parts.  A colon elsewhere belongs to the path.
JobSource split_plugin_path(const std::string& job) {
  const std::size_t colon = job.rfind(".so:");
  if (colon == std::string::npos || job.find('/', colon) != std::string::npos) {
    return {job, "", false};
  }
  const std::size_t end = colon + kSuffix.size();
  return {job.substr(0, end), job.substr(end + 1), false};
}

}  // namespace

std::string bundled_jobs_directory(const std::string& program_directory) {
  return (std::filesystem::path(program_directory).parent_path() / "lib/fanfold/jobs").string();
}

std::vector<std::string> bundled_jobs(const std::string& program_directory) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entries(bundled_jobs_directory(program_directory), error);
  if (error) return names;
  for (const auto& entry : entries) {
    if (entry.path().extension() == kSuffix) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<JobSource> find_job_source(const std::string& program_directory, const std::string& job,
                                  const std::optional<std::string>& plugin) {
  if (job.empty()) return Status(StatusCode::kInvalidArgument, "the name of the job is empty.");
  if (plugin.has_value()) return JobSource{*plugin, job, false};
  if (job.ends_with(".json")) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + job + "' is no job; a pipeline is run by 'fanfold pipeline " + job + "'.");
  }
  if (is_plugin_path(job)) return split_plugin_path(job);
  const std::vector<std::string> names = bundled_jobs(program_directory);
  if (std::find(names.begin(), names.end(), job) == names.end()) {
    const std::string suggestion = did_you_mean(job, names);
    return Status(StatusCode::kNotFound,
                  "there is no bundled job '" + job + "'." + suggestion +
                      "\n'fanfold jobs' lists them; a job of your own is named by its file: "
                      "path/plugin.so or path/plugin.so:NAME.");
  }
  const std::string path = bundled_jobs_directory(program_directory) + "/" + job + ".so";
  return JobSource{path, job, true};
}

}  // namespace fanfold::cli
