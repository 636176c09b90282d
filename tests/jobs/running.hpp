// Runs a bundled job on strings, for many layouts: what comes out may not depend on them.

#pragma once

#include <gtest/gtest.h>
#include <fanfold/testing.hpp>

#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace fanfold::jobs_test {

struct Source {
  std::string file;
  std::string text;
  std::string tag;
};

struct Layout {
  std::uint32_t partitions = 1;
  std::uint64_t split_bytes = 0;  // 0: one split a file.
  std::uint64_t memory_bytes = 64u << 20;
  bool combine = true;
};

inline std::ostream& operator<<(std::ostream& out, const Layout& layout) {
  return out << "partitions " << layout.partitions << ", split bytes " << layout.split_bytes
             << ", memory " << layout.memory_bytes << ", combine " << layout.combine << "; ";
}

/// One task; a task a line; many reducers; a table or buffer that spills; no combiner.
inline constexpr Layout kLayouts[] = {{1, 0, 64u << 20, true},   {1, 1, 64u << 20, true},
                                      {3, 7, 64u << 20, true},   {8, 64, 64u << 20, true},
                                      {3, 1000, 1u << 16, true}, {2, 100, 64u << 20, false}};

struct Outcome {
  std::vector<std::string> parts;
  std::map<std::string, std::string> outputs;
  std::map<std::string, std::int64_t> counters;

  /// All parts, one after the other.
  std::string all() const {
    std::string text;
    for (const std::string& part : parts) text += part;
    return text;
  }
  std::vector<std::string> lines() const;
};

/// Cut at LF only: output may hold CR.
inline std::vector<std::string> raw_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  return lines;
}

inline std::vector<std::string> Outcome::lines() const { return raw_lines(all()); }

template <class Job>
Outcome run(const std::vector<Source>& sources,
            const std::map<std::string, std::string>& parameters, const Layout& layout) {
  testing::Options options;
  for (const Source& source : sources) {
    options.inputs.push_back({source.text, source.file, source.tag});
  }
  options.parameters.insert(parameters.begin(), parameters.end());
  options.partitions = layout.partitions;
  options.split_bytes = layout.split_bytes;
  options.memory_bytes = layout.memory_bytes;
  options.combine = layout.combine;
  testing::Result result = testing::run<Job>(options);
  return {std::move(result.parts), std::move(result.outputs), std::move(result.counters)};
}

template <class Job>
void expect_combiner_laws(const std::vector<std::uint64_t>& samples) {
  EXPECT_EQ(testing::check_combiner<Job>(samples), "");
}

}  // namespace fanfold::jobs_test
