// Every target over its corpus and over a few thousand mutations of it, always the same ones.
// Built by any compiler; under a sanitizer it finds what a fuzzer would find first.

#include <gtest/gtest.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.hpp"

namespace fanfold::fuzz {

void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

namespace {

constexpr std::size_t kMutations = 4000;  // Of each target.

std::vector<Target> all_targets() {
  std::vector<Target> all;
  for (const auto& targets :
       {protocol_targets(), file_targets(), input_targets(), foreign_targets()}) {
    all.insert(all.end(), targets.begin(), targets.end());
  }
  return all;
}

struct Sample {
  std::string name;
  std::string bytes;
};

/// In the order of their names, so that mutations do not depend on the file system.
std::vector<Sample> corpus_of(const Target& target) {
  std::vector<Sample> corpus;
  const auto folder = std::filesystem::path(FANFOLD_FUZZ_CORPUS) / target.name;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.push_back(
        {entry.path().filename().string(), std::string(std::istreambuf_iterator<char>(file), {})});
  }
  std::sort(corpus.begin(), corpus.end(),
            [](const Sample& a, const Sample& b) { return a.name < b.name; });
  return corpus;
}

/// From memory of exactly the right size, so that a sanitizer sees each byte too many.
bool run(const Target& target, const std::string& bytes) {
  const auto memory = std::make_unique<char[]>(bytes.size());
  bytes.copy(memory.get(), bytes.size());
  return target.run({memory.get(), bytes.size()});
}

/// The numbers at which lengths, counts and signs change their nature.
std::uint64_t edge_number(std::mt19937_64& random) {
  const std::uint64_t power = std::uint64_t{1} << (random() % 64);
  const std::uint64_t numbers[] = {0, 1, power, power - 1, power + 1, ~std::uint64_t{0}, random()};
  return numbers[random() % std::size(numbers)];
}

void mutate_once(std::string& bytes, const std::vector<Sample>& corpus, std::mt19937_64& random) {
  const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
  const std::size_t count = std::min<std::size_t>(bytes.size() - at, 1 + random() % 16);
  switch (random() % 8) {
    case 0:
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<char>(random());
      break;
    case 2: {
      const std::uint64_t number = edge_number(random);
      const std::size_t widths[] = {1, 2, 4, 8};
      const std::size_t width = std::min(widths[random() % 4], bytes.size() - at);
      if (width != 0) std::memcpy(bytes.data() + at, &number, width);
      break;
    }
    case 3:
      bytes.resize(at);
      break;
    case 4:
      bytes.erase(at, count);
      break;
    case 5:
      bytes.insert(at, bytes.substr(at, count));
      break;
    case 6:
      bytes.insert(at, count, static_cast<char>(random()));
      break;
    default: {
      const std::string& other = corpus[random() % corpus.size()].bytes;
      if (!other.empty()) bytes.replace(at, std::string::npos, other, random() % other.size());
      break;
    }
  }
}

class Replay : public ::testing::TestWithParam<Target> {};

TEST_P(Replay, KeepsItsPromisesOverTheCorpus) {
  const std::vector<Sample> corpus = corpus_of(GetParam());
  std::size_t accepted = 0;
  for (const Sample& sample : corpus) {
    SCOPED_TRACE(sample.name);
    try {
      accepted += run(GetParam(), sample.bytes);
    } catch (const BrokenPromise& broken) {
      ADD_FAILURE() << "broken promise: " << broken.promise;
    } catch (const std::exception& error) {
      ADD_FAILURE() << "threw " << error.what();
    }
  }
  EXPECT_GT(accepted, 0u) << "no file of the corpus decodes: write it anew (write_corpus.cpp)";
}

TEST_P(Replay, KeepsItsPromisesOverMutations) {
  const std::vector<Sample> corpus = corpus_of(GetParam());
  ASSERT_FALSE(corpus.empty());
  for (std::size_t i = 0; i < kMutations; ++i) {
    const Sample& sample = corpus[i % corpus.size()];
    std::mt19937_64 random(i);
    std::string bytes = sample.bytes;
    for (std::size_t left = 1 + random() % 4; left > 0; --left) {
      mutate_once(bytes, corpus, random);
    }
    SCOPED_TRACE(sample.name + ", mutation " + std::to_string(i));
    try {
      run(GetParam(), bytes);
    } catch (const BrokenPromise& broken) {
      ADD_FAILURE() << "broken promise: " << broken.promise;
    } catch (const std::exception& error) {
      ADD_FAILURE() << "threw " << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, Replay, ::testing::ValuesIn(all_targets()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace fanfold::fuzz
