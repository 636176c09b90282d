// What the micro benchmarks share: a host that takes everything and keeps what a reduce needs, and
// texts of a known kind.  No files, no processes: what is measured is the code in the plugin.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/job.hpp"

namespace fanfold::bench {

/// Counts what it is given; with `keep` it remembers the final run for segment().
class QuietHost final : public abi::TaskHost, private abi::RunSink {
 public:
  explicit QuietHost(bool keep) : keep_(keep) {}

  RunSink& start_run(abi::RunKind kind) override;
  void finish_run() override {}
  std::unique_ptr<abi::RunSource> open_spill(std::size_t index, std::uint32_t partition) override;
  void drop_spill(std::size_t) override {}
  void write_output(std::string_view, std::string_view bytes, std::uint64_t records) override;
  void add_to_counter(std::string_view, std::int64_t) override {}
  void log(std::string_view) override {}
  std::string_view side_file(std::string_view) override { return {}; }

  /// Good as long as the host.
  std::unique_ptr<abi::RunSource> segment(std::uint32_t partition) const;

  std::uint64_t run_records = 0;
  std::uint64_t run_bytes = 0;
  std::uint64_t output_records = 0;
  std::uint64_t output_bytes = 0;

 private:
  void write(std::uint32_t partition, std::string_view block,
             const abi::BlockSummary& summary) override;

  const bool keep_;
  std::map<std::uint32_t, std::vector<std::string>> run_;
};

enum class Text {
  kZipf,    // Words of a large vocabulary, a few of them often.
  kUnique,  // Hardly a word twice.
  kSource,  // Like program text.
};
/// About `bytes` bytes of whole lines, the same at every call.
std::string make_text(Text kind, std::size_t bytes);
/// The first whole lines of a file, at most so many bytes; empty when it cannot be read.
std::string read_text(const std::string& path, std::size_t bytes);

/// Lines of 99 bytes: ten random ones, and what follows a row number.
std::string make_records(std::size_t count);

/// Maps all of `text`, in blocks as a reader gives them.
void map_text(abi::Task& task, std::string_view text);

}  // namespace fanfold::bench
