// A directory of one test's own, gone when the test ends; and files in it with given contents.

#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "common/core/check.hpp"

namespace fanfold::io {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fanfold-test-XXXXXX").string();
    FANFOLD_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }

  /// Creates or replaces the file, with the directories above it.
  std::string write(std::string_view name, std::string_view contents) const {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << contents;
    out.close();
    FANFOLD_CHECK(out.good());
    return file.string();
  }

  std::string read(std::string_view name) const {
    std::ifstream in(path(name), std::ios::binary);
    FANFOLD_CHECK(in.good());
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  bool contains(std::string_view name) const { return std::filesystem::exists(path(name)); }

 private:
  std::string path_;
};

}  // namespace fanfold::io
