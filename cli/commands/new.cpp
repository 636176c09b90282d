// `new`: a project of one's own from the template that comes with Fanfold.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "cli/commands/command.hpp"
#include "cli/options/exit_codes.hpp"
#include "common/core/limits.hpp"

namespace fanfold::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPlaceholder = "@NAME@";

Status refuse(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

// The name becomes a file, a CMake target and a job.
Status check_name(const std::string& name) {
  static constexpr std::array<std::string_view, 7> kReserved = {
      "all", "clean", "edit_cache", "help", "install", "package", "test"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const bool plain = std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_';
  });
  if (name.empty() || !letter(name.front()) || !plain || name.size() > limits::kNameBytes) {
    return refuse("'" + name +
                  "' cannot name a job: use letters, digits and '_', beginning with a "
                  "letter, at most " +
                  std::to_string(limits::kNameBytes) + ".");
  }
  if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
    return refuse("'" + name + "' cannot name a job: CMake has a target of that name.");
  }
  return Status();
}

std::string fill_in(std::string text, const std::string& name) {
  for (std::size_t at = text.find(kPlaceholder); at != std::string::npos;
       at = text.find(kPlaceholder, at + name.size())) {
    text.replace(at, kPlaceholder.size(), name);
  }
  return text;
}

Status copy_file(const fs::path& from, const fs::path& to, const std::string& name) {
  std::ifstream source(from, std::ios::binary);
  std::stringstream text;
  text << source.rdbuf();
  if (!source) return Status(StatusCode::kIoError, "cannot read " + from.string() + ".");
  std::ofstream target(to, std::ios::binary);
  target << fill_in(text.str(), name);
  target.close();
  if (!target) return Status(StatusCode::kIoError, "cannot write " + to.string() + ".");
  return Status();
}

Status copy_template(const fs::path& from, const fs::path& to, const std::string& name) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    const fs::path target = to / fill_in(entry.path().filename().string(), name);
    if (entry.is_directory()) {
      fs::create_directory(target, error);
      if (!error) FANFOLD_RETURN_IF_ERROR(copy_template(entry.path(), target, name));
    } else {
      FANFOLD_RETURN_IF_ERROR(copy_file(entry.path(), target, name));
    }
    if (error) break;
  }
  if (error)
    return Status(StatusCode::kIoError,
                  "cannot write " + to.string() + ": " + error.message() + ".");
  return Status();
}

Status write_project(const Environment& environment, const std::string& name) {
  FANFOLD_RETURN_IF_ERROR(check_name(name));
  const fs::path prefix = fs::path(environment.program_directory).parent_path();
  const fs::path source = prefix / "share/fanfold/template";
  std::error_code error;
  if (!fs::is_directory(source, error)) {
    return Status(StatusCode::kNotFound, "the template is missing: " + source.string() +
                                             ". The installation is incomplete.");
  }
  if (fs::exists(fs::symlink_status(name, error))) {
    return Status(StatusCode::kAlreadyExists,
                  name + " exists already; choose another name or remove it first.");
  }
  if (!fs::create_directory(name, error)) {
    return Status(StatusCode::kIoError,
                  "cannot create directory " + name + ": " + error.message() + ".");
  }
  Status status = copy_template(source, name, name);
  if (!status.ok()) fs::remove_all(name, error);
  return status;
}

// How CMake finds the Fanfold that this program belongs to.
std::string where_fanfold_is(const Environment& environment) {
  const fs::path prefix = fs::path(environment.program_directory).parent_path();
  std::error_code error;
  if (fs::exists(prefix / "fanfoldConfig.cmake", error)) {
    return " -Dfanfold_DIR=" + prefix.string();
  }
  if (prefix == "/usr" || prefix == "/usr/local") return "";
  return " -DCMAKE_PREFIX_PATH=" + prefix.string();
}

int new_main(const Environment& environment, const Arguments& arguments) {
  const std::string& name = arguments.positionals().front();
  if (Status status = write_project(environment, name); !status.ok()) return report(status);
  print("wrote " + name + "/: a job, its unit test and a CMakeLists.txt. Next:\n\n  cd " + name +
        "\n  cmake -B build" + where_fanfold_is(environment) +
        "\n  cmake --build build\n  ctest --test-dir build --output-on-failure\n"
        "  fanfold run build/" +
        name + ".so README.md -o out\n  fanfold cat out\n");
  return kExitDone;
}

}  // namespace

Command new_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "new";
  syntax.positionals = "NAME";
  syntax.summary = "Writes a project for a job of your own into the new directory NAME.";
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = new_main;
  return command;
}

}  // namespace fanfold::cli
