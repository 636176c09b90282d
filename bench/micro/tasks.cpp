#include "bench/micro/tasks.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>

namespace fanfold::bench {
namespace {

constexpr std::size_t kBlockBytes = 1u << 20;

class KeptSource final : public abi::RunSource {
 public:
  explicit KeptSource(const std::vector<std::string>* blocks) : blocks_(blocks) {}
  std::string_view next() override {
    if (blocks_ == nullptr || at_ == blocks_->size()) return {};
    return (*blocks_)[at_++];
  }

 private:
  const std::vector<std::string>* blocks_;
  std::size_t at_ = 0;
};

std::string word_of(std::mt19937_64& random, std::size_t least, std::size_t most) {
  std::string word(least + random() % (most - least + 1), ' ');
  for (char& letter : word) letter = static_cast<char>('a' + random() % 26);
  return word;
}

}  // namespace

abi::RunSink& QuietHost::start_run(abi::RunKind) { return *this; }

void QuietHost::write(std::uint32_t partition, std::string_view block,
                      const abi::BlockSummary& summary) {
  run_records += summary.records;
  run_bytes += block.size();
  if (keep_) run_[partition].emplace_back(block);
}

std::unique_ptr<abi::RunSource> QuietHost::open_spill(std::size_t, std::uint32_t) {
  return std::make_unique<KeptSource>(nullptr);
}

std::unique_ptr<abi::RunSource> QuietHost::segment(std::uint32_t partition) const {
  const auto found = run_.find(partition);
  return std::make_unique<KeptSource>(found == run_.end() ? nullptr : &found->second);
}

void QuietHost::write_output(std::string_view, std::string_view bytes, std::uint64_t records) {
  output_bytes += bytes.size();
  output_records += records;
}

std::string make_text(Text kind, std::size_t bytes) {
  std::mt19937_64 random(20);
  std::vector<std::string> vocabulary(kind == Text::kZipf ? 1'000'000 : 200'000);
  if (kind == Text::kZipf && bytes < (4u << 20)) vocabulary.resize(20'000);
  for (std::string& word : vocabulary) {
    word = kind == Text::kZipf ? word_of(random, 3, 12) : word_of(random, 2, 30);
  }
  // Inverse of the sum of 1/x: ranks of a Zipf distribution, nearly.
  const double scale = std::log(static_cast<double>(vocabulary.size()));
  std::string text;
  for (std::size_t count = 1; text.size() < bytes; ++count) {
    if (kind == Text::kUnique) {
      text += word_of(random, 8, 14);
    } else {
      const double even = static_cast<double>(random() >> 11) * 0x1.0p-53;
      text += vocabulary[static_cast<std::size_t>(std::exp(even * scale)) % vocabulary.size()];
    }
    text += count % (kind == Text::kSource ? 4 : 12) == 0 ? '\n' : ' ';
  }
  return text + "\n";
}

std::string read_text(const std::string& path, std::size_t bytes) {
  std::string text(bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(text.data(), static_cast<std::streamsize>(bytes));
  text.resize(static_cast<std::size_t>(file.gcount()));
  text.resize(text.rfind('\n') + 1);
  return text;
}

std::string make_records(std::size_t count) {
  std::mt19937_64 random(21);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    for (int letter = 0; letter < 10; ++letter) {
      text += static_cast<char>(' ' + random() % 95);
    }
    std::string number = std::to_string(i);
    text += std::string(32 - number.size(), '0') + number;
    text += std::string(57, static_cast<char>('A' + random() % 26));
    text += '\n';
  }
  return text;
}

void map_text(abi::Task& task, std::string_view text) {
  while (!text.empty()) {
    std::size_t size = std::min(kBlockBytes, text.size());
    if (size < text.size()) size = text.rfind('\n', size - 1) + 1;
    abi::InputBlock block;
    block.bytes = text.substr(0, size);
    block.file = "text";
    task.map_block(block);
    text.remove_prefix(size);
  }
}

}  // namespace fanfold::bench
