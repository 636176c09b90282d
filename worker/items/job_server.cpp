#include "worker/items/job_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "common/core/limits.hpp"
#include "common/io/piece_reader.hpp"
#include "common/items/json_text.hpp"
#include "fanfold/detail/memory_host.hpp"
#include "worker/plugin/plugin.hpp"
#include "worker/plugin/sealed_copy.hpp"

namespace fanfold::worker {
namespace {

using items::Json;

/// Memory of a task: what is clean costs time for each child, what is small makes it spill.
constexpr std::uint64_t kRecordTaskBytes = 4u << 20;
constexpr std::uint64_t kFileTaskBytes = 64u << 20;

struct Answer {
  AnswerKind kind = AnswerKind::kOutput;
  std::string text;
};

bool read_all(int socket, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::read(socket, to, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    to += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(int socket, const char* from, std::size_t size) {
  while (size > 0) {
    const ssize_t put = ::send(socket, from, size, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    from += put;
    size -= static_cast<std::size_t>(put);
  }
  return true;
}

/// A whole small map-reduce over one child.
class SmallRun {
 public:
  SmallRun(const abi::JobInfo& job, const ServedJob& served, abi::ProgressSlot* progress)
      : job_(job), progress_(progress) {
    settings_.parameters = served.parameters;
    settings_.output_format = abi::OutputFormat::kJsonLines;
    settings_.progress = progress;
    settings_.job_id = "0";
  }

  Answer of_record(std::string record) {
    const bool lines =
        job_.format != abi::RecordFormat::kFixed && job_.format != abi::RecordFormat::kWholeFile;
    if (lines && (record.empty() || record.back() != '\n')) record += '\n';
    begin_map(kRecordTaskBytes);
    abi::InputBlock block;
    block.bytes = record;
    block.file = "item";
    if (job_.csv_header) return {AnswerKind::kNoInput, "a job with a CSV header needs a File"};
    map_->map_block(block);
    return reduce();
  }

  Answer of_file(const std::string& path) {
    io::FileSystem& files = io::posix_file_system();
    const auto info = files.stat(path);
    if (!info.ok()) return {AnswerKind::kNoInput, info.status().message()};
    io::Piece piece;
    piece.path = path;
    piece.end = info->size;
    io::ReadOptions options;
    options.format = job_.format;
    options.fixed_length = job_.fixed_length;
    options.csv_header = job_.csv_header;
    options.record_bytes_max = limits::kRecordBytes;
    auto reader = io::open_piece(files, piece, options);
    if (!reader.ok()) return {AnswerKind::kNoInput, reader.status().message()};
    begin_map(kFileTaskBytes);
    for (;;) {
      auto block = (*reader)->next();
      if (!block.ok()) return {AnswerKind::kNoInput, block.status().message()};
      if (!*block) return reduce();
      map_->map_block(**block);
    }
  }

 private:
  void begin_map(std::uint64_t memory_bytes) {
    settings_.memory_bytes = memory_bytes;
    settings_.mode = abi::TaskMode::kMap;
    map_ = job_.make_task(map_host_, settings_);
    map_->start();
  }

  Answer reduce() {
    map_->finish_map();
    map_.reset();
    settings_.mode = abi::TaskMode::kReduce;
    testing::MemoryHost host;
    const auto task = job_.make_task(host, settings_);
    task->start();
    std::vector<std::unique_ptr<abi::RunSource>> inputs;
    inputs.push_back(map_host_.segment(0));
    task->reduce(std::move(inputs));
    std::string text = "{\"Counters\":" + counters(host) + ",\"Records\":[";
    for (const char c : host.outputs[""]) text += c == '\n' ? ',' : c;
    if (text.back() == ',') text.pop_back();
    return {AnswerKind::kOutput, text + "]}"};
  }

  std::string counters(const testing::MemoryHost& reduced) const {
    Json all = Json::object();
    for (const testing::MemoryHost* host : {&map_host_, &reduced}) {
      for (const auto& [name, value] : host->counters) {
        if (name == abi::kUnmappedCounter) continue;
        all[name] = all.value(name, std::int64_t{0}) + value;
      }
    }
    return items::text_of(all);
  }

  const abi::JobInfo& job_;
  abi::ProgressSlot* const progress_;
  abi::TaskSettings settings_;
  testing::MemoryHost map_host_;
  std::unique_ptr<abi::Task> map_;
};

/// Foreign code is called here and nowhere else in this folder.
Answer answer(const abi::JobInfo& job, const ServedJob& served, abi::ProgressSlot* progress,
              const std::string& question) {
  try {
    const Json json = Json::parse(question);
    SmallRun run(job, served, progress);
    const auto file = json.find("File");
    if (file != json.end()) return run.of_file(file->get<std::string>());
    return run.of_record(json.at("Record").get<std::string>());
  } catch (...) {
    return {AnswerKind::kException, describe_current_exception()};
  }
}

/// As executors do: what is digested is what is loaded.
Result<const abi::JobInfo*> load(const ServedJob& job, std::optional<SealedCopy>* copy) {
  FANFOLD_ASSIGN_OR_RETURN(*copy, SealedCopy::of(job.plugin));
  if ((*copy)->sha256() != job.sha256) {
    return Status(StatusCode::kInvalidArgument,
                  "plugin '" + job.plugin + "' has changed since the job was submitted");
  }
  Result<const abi::Plugin*> plugin = load_plugin(job.plugin, {.copy = &**copy});
  // Libraries that it looks for beside itself are there when the file itself is loaded.
  if (!plugin.ok()) plugin = load_plugin(job.plugin);
  if (!plugin.ok()) return plugin.status();
  return find_job(**plugin, job.name, job.plugin);
}

}  // namespace

void serve_job(int socket, const ServedJob& job, abi::ProgressSlot* progress) {
  std::optional<SealedCopy> copy;  // Debuggers read it.
  const Result<const abi::JobInfo*> loaded = load(job, &copy);
  std::string question;
  for (;;) {
    std::uint64_t size = 0;
    if (!read_all(socket, reinterpret_cast<char*>(&size), sizeof size)) return;
    question.resize(size);
    if (!read_all(socket, question.data(), size)) return;
    const Answer reply = loaded.ok() ? answer(**loaded, job, progress, question)
                                     : Answer{AnswerKind::kNoPlugin, loaded.status().message()};
    size = reply.text.size();
    if (!write_all(socket, reinterpret_cast<const char*>(&reply.kind), 1) ||
        !write_all(socket, reinterpret_cast<const char*>(&size), sizeof size) ||
        !write_all(socket, reply.text.data(), size)) {
      return;
    }
  }
}

}  // namespace fanfold::worker
