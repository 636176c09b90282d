// A private directory for one test.

#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace fanfold::security {

class KeyPlace : public testing::Test {
 protected:
  KeyPlace() {
    char name[] = "/tmp/fanfold-keys-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    root_ = name;
  }
  ~KeyPlace() override { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ + "/" + name; }
  static std::string read(const std::string& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  }
  static void overwrite(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::trunc) << text;
  }
  static std::filesystem::perms mode_of(const std::string& file) {
    return std::filesystem::status(file).permissions();
  }

  std::string root_;
};

}  // namespace fanfold::security
