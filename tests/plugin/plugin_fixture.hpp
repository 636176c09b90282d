// Plugins of tests/plugins, and damaged copies of them.

#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fanfold::worker {

class PluginFixture : public testing::Test {
 protected:
  PluginFixture() {
    std::string pattern = testing::TempDir() + "fanfold-plugin-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~PluginFixture() override { std::filesystem::remove_all(directory_); }

  static std::string plugin(const std::string& name) {
    return std::string(TEST_PLUGINS) + "/" + name + ".so";
  }
  static std::string contents_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  /// A file of our own directory.
  std::string file_with(const std::string& contents) {
    const std::string path = directory_ + "/file" + std::to_string(++files_) + ".so";
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }

  std::string directory_;
  int files_ = 0;
};

}  // namespace fanfold::worker
