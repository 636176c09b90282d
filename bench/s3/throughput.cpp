// Reads or writes all objects below a prefix through the door to files, several at a time, and says
// how long it took: `s3_throughput read|write s3://bucket/prefix THREADS [OBJECTS MIB]`.

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "common/core/check.hpp"
#include "common/core/clock.hpp"
#include "common/storage/storage.hpp"

namespace fanfold {
namespace {

constexpr std::size_t kBlockBytes = 1u << 20;

std::uint64_t read_object(const std::string& path) {
  const auto file = storage().open(path);
  FANFOLD_CHECK(file.ok());
  (*file)->will_read(0, UINT64_MAX);
  std::string block(kBlockBytes, '\0');
  std::uint64_t bytes = 0;
  while (true) {
    const auto count = (*file)->read_at(bytes, block);
    FANFOLD_CHECK(count.ok());
    bytes += *count;
    if (*count < block.size()) return bytes;
  }
}

std::uint64_t write_object(const std::string& path, std::uint64_t bytes) {
  const auto file = storage().create(path);
  FANFOLD_CHECK(file.ok());
  std::string block(kBlockBytes, '\0');
  for (std::size_t i = 0; i < block.size(); ++i)
    block[i] = static_cast<char>(i * 2654435761u >> 13);
  for (std::uint64_t done = 0; done < bytes; done += block.size()) {
    FANFOLD_CHECK((*file)->append(block).ok());
  }
  FANFOLD_CHECK((*file)->close().ok());
  return bytes;
}

int run(int argc, char** argv) {
  if (argc < 4) return 2;
  const bool writes = std::string(argv[1]) == "write";
  const std::string prefix = argv[2];
  std::vector<std::string> paths;
  if (writes) {
    for (int i = 0; i < std::stoi(argv[4]); ++i) paths.push_back(prefix + "/" + std::to_string(i));
  } else {
    const auto names = storage().list(prefix);
    FANFOLD_CHECK(names.ok());
    for (const std::string& name : *names) paths.push_back(prefix + "/" + name);
  }
  const std::uint64_t size = writes ? std::stoull(argv[5]) << 20 : 0;
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> bytes{0};
  const Instant start = steady_clock().now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < std::stoi(argv[3]); ++i) {
      threads.emplace_back([&] {
        for (std::size_t at = next++; at < paths.size(); at = next++) {
          bytes += writes ? write_object(paths[at], size) : read_object(paths[at]);
        }
      });
    }
  }
  const std::chrono::duration<double> seconds = steady_clock().now() - start;
  std::printf("%.3f s, %.0f MB/s\n", seconds.count(),
              static_cast<double>(bytes.load()) / 1e6 / seconds.count());
  return 0;
}

}  // namespace
}  // namespace fanfold

int main(int argc, char** argv) { return fanfold::run(argc, argv); }
