// write_corpus DIR: writes one small well-formed input of each kind to DIR/<target>/, with the
// product's own encoders.  For when a format changes; what fuzzers found lies beside them.

#include <elf.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <tuple>
#include <vector>

#include "common/io/manifest.hpp"
#include "common/io/part_file.hpp"
#include "common/io/run_file.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/output_list.hpp"
#include "fanfold/fingerprint.hpp"
#include "fanfold/value_codec.hpp"
#include "master/events/event_files.hpp"
#include "master/events/event_recorder.hpp"
#include "master/store/fact_codec.hpp"
#include "tests/fuzz/sample_facts.hpp"
#include "tests/io/compressed_samples.hpp"
#include "tests/proto/all_messages.hpp"
#include "worker/isolation/executor_frames.hpp"
#include "worker/plugin/description.hpp"

namespace fanfold::fuzz {
namespace {

using namespace std::string_literals;
namespace fs = std::filesystem;

/// The bytes of numbers, as take() reads them.
template <class... Numbers>
std::string packed(Numbers... numbers) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
  return bytes;
}

template <class Struct>
std::string struct_bytes() {
  proto::CountingSource source;
  return proto::encode_struct(proto::filled<Struct>(source));
}

class CorpusWriter {
 public:
  explicit CorpusWriter(std::string folder) : folder_(std::move(folder)) {}

  void write_all() {
    write_protocol();
    write_facts();
    write_event_log();
    write_runs();
    write_parts();
    write_manifest();
    write_inputs();
    write_plugins();
    write_values();
  }
  bool ok() const { return ok_; }

 private:
  void add(const std::string& target, const std::string& name, std::string_view bytes) {
    fs::create_directories(folder_ + "/" + target);
    std::ofstream file(folder_ + "/" + target + "/" + name, std::ios::binary);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ok_ = ok_ && file.good();
  }

  /// What `write` leaves at a path of its own.
  template <class Write>
  std::string file_bytes(const Write& write) {
    const std::string path = folder_ + "/being_written";
    ok_ = write(path).ok() && ok_;
    std::ifstream file(path, std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(file), {});
    fs::remove(path);
    return bytes;
  }

  void write_protocol() {
    proto::for_each_message([&](auto named) {
      proto::CountingSource source;
      add("messages", named.name,
          proto::encode(proto::filled<typename decltype(named)::Type>(source)));
    });
    add("structs", "JobSpec", "\0"s + struct_bytes<proto::JobSpec>());
    add("structs", "TaskAssignment", "\1"s + struct_bytes<proto::TaskAssignment>());
    add("structs", "AttemptReport", "\2"s + struct_bytes<proto::AttemptReport>());
    add("output_list", "one",
        proto::pack_outputs({{{WorkerId{1}, "a", "/s", "e"}}, {{9, {7}, 0}}})[0]);
    add("structs", "FailureReport", "\3"s + struct_bytes<proto::FailureReport>());
  }

  void write_facts() {
    for (const master::Fact& fact : sample_facts()) {
      const master::EncodedFact encoded = master::encode_fact(fact);
      add("facts", "fact_" + std::to_string(fact.index()),
          packed(encoded.tag, encoded.version) + encoded.payload);
    }
  }

  void write_event_log() {
    Log log;
    const JobId job{7};
    fs::create_directories(folder_);
    auto files =
        master::EventFiles::open(folder_ + "/event_log", {.bytes_total = 1u << 20, .jobs = 9});
    ok_ = ok_ && files.ok();
    if (!ok_) return;
    master::EventRecorder recorder(files->get(), log, 1'700'000'000'000'000);
    proto::JobSpec spec;
    spec.job_name = "word_count";
    spec.inputs = {"/in"};
    const std::vector<std::string> notes = {"1 reducer"};
    const auto at = [](int ms) { return Instant() + std::chrono::milliseconds(ms); };
    recorder.accepted(at(1), {.job = job,
                              .spec = &spec,
                              .submitted = at(0),
                              .splits = 1,
                              .partitions = 1,
                              .notes = &notes});
    proto::Hello hello;
    hello.name = "w1";
    hello.slots = 2;
    proto::AttemptReport report;
    report.records_in = 5;
    const auto assign = [&](int ms, Stage stage, std::uint64_t attempt) {
      recorder.assigned(
          at(ms), {.attempt = {attempt}, .task = {job, stage, 0}, .worker = {1}, .hello = &hello});
      recorder.flush();
    };
    proto::FailureReport failure;
    failure.kind = proto::FailureKind::kSignal;
    failure.message = "SIGSEGV";
    failure.record_file = "/in";
    assign(2, Stage::kMap, 1);
    recorder.running(at(3), {1});
    recorder.failed(at(4), {1}, failure);
    assign(5, Stage::kMap, 2);
    recorder.committed(at(6), {job, Stage::kMap, 0}, {2}, report);
    assign(7, Stage::kReduce, 3);
    recorder.committed(at(8), {job, Stage::kReduce, 0}, {3}, report);
    recorder.publication_started(at(8), job);
    recorder.publication_ended(at(9), job, {});
    proto::JobStatus status;
    status.job = job;
    status.state = proto::JobState::kSucceeded;
    status.counters = {{"seen", 5}};
    status.emission = {.bytes = 9, .partition_bytes = {9}, .hot_keys = {{"k", 1, 0, 9}}};
    recorder.ended(at(9), status);
    fs::rename(files->get()->path(job), folder_ + "/event_log/whole");
  }

  void write_runs() {
    const std::string record = "\3\5keyvalue";
    std::string repeated;
    for (int i = 0; i < 50; ++i) repeated += record;
    for (const auto compression : {io::BlockCompression::kNone, io::BlockCompression::kLz4}) {
      const bool lz4 = compression == io::BlockCompression::kLz4;
      std::vector<io::Segment> index;
      const std::string run = file_bytes([&](const std::string& path) -> Status {
        FANFOLD_ASSIGN_OR_RETURN(auto writer,
                                 io::create_run_file(io::posix_file_system(), path, compression));
        FANFOLD_RETURN_IF_ERROR(writer->write(0, repeated, {50, 1, 2}));
        FANFOLD_RETURN_IF_ERROR(writer->write(0, record, {1, 3, 4}));
        FANFOLD_RETURN_IF_ERROR(writer->write(7, record + record, {2, 5, 6}));
        FANFOLD_RETURN_IF_ERROR(writer->finish());
        index = writer->segments();
        return Status();
      });
      add("run_file", lz4 ? "two_partitions_lz4" : "two_partitions", run);
      if (index.empty()) continue;
      add("segment", lz4 ? "two_blocks_lz4" : "two_blocks",
          packed(static_cast<std::uint16_t>(index[0].offset),
                 static_cast<std::uint32_t>(index[0].stored_bytes),
                 static_cast<std::uint32_t>(index[0].raw_bytes)) +
              run.substr(0, index[0].stored_bytes));
    }
    add("run_file", "empty", file_bytes([](const std::string& path) -> Status {
          FANFOLD_ASSIGN_OR_RETURN(auto writer, io::create_run_file(io::posix_file_system(), path,
                                                                    io::BlockCompression::kNone));
          return writer->finish();
        }));
  }

  void write_parts() {
    const std::pair<const char*, std::string> formats[] = {
        {"text", "a\\tb\t1\nkey\n\nlast\t2\n"},
        {"jsonl", "{\"key\":\"a\",\"value\":[1,2]}\n{\"line\":\"x\"}\n"},
        {"binary", "\3\5keyvalue\0\0\1\0k"s}};
    for (std::uint8_t format = 0; format < 3; ++format) {
      for (std::uint8_t compression = 0; compression < 3; ++compression) {
        const auto part = file_bytes([&](const std::string& path) -> Status {
          FANFOLD_ASSIGN_OR_RETURN(auto writer,
                                   io::create_part(io::posix_file_system(), path, "part",
                                                   static_cast<io::PartCompression>(compression)));
          FANFOLD_RETURN_IF_ERROR(writer->write(formats[format].second, 1));
          return writer->finish();
        });
        add("parts", formats[format].first + "_"s + std::to_string(compression),
            packed(format, compression) + part);
      }
    }
    const char* const orders[][3] = {
        {"bytes", "bytes", "a\\tb"},
        {"tuple", "tuple(bytes,int,float)", "a\\,b,-5,1e9"},
        {"list", "list(tuple(uint,bool))", "1,true,2,false"},
        {"optional", "optional(int)", "7"},
        {"list_in_tuple", "tuple(int,list(bytes))", "{\"key\":[1,[\"a\",\"b\"]]}"}};
    for (const auto& order : orders) {
      add("key_order", order[0], std::string(order[1]) + "\n" + order[2]);
    }
  }

  void write_manifest() {
    io::Manifest manifest;
    manifest.job_name = "word_count";
    manifest.plugin_sha256 = std::string(64, 'a');
    manifest.parameters = {{"k", "v"}};
    manifest.inputs = {"/in"};
    manifest.partitions = 2;
    manifest.key_order = "tuple(bytes,int)";
    manifest.counters = {{"lines", -3}};
    manifest.files = {{"part-00000-of-00002", 10, 2, 0x0123456789abcdef}};
    manifest.run.started_unix_ms = 1700000000123;
    io::Coverage& coverage = manifest.coverage.emplace();
    coverage.policy = "min-successful=50%";
    coverage.reason = "MIN_SUCCESSFUL_REACHED";
    coverage.map_tasks = 2;
    coverage.covered = 1;
    coverage.input_bytes = 20;
    coverage.covered_bytes = 10;
    coverage.missing = {{1, "failed", "exception: bad", 10, {{"/in", 10, 20}}}};
    add("manifest", "full", io::to_json(manifest));
    add("manifest", "empty", io::to_json(io::Manifest()));
  }

  void write_inputs() {
    const std::string text = "key\tvalue\r\nsecond line\n\n{\"a\":\"\\u0041\",\"b\":[1,{}]}\nlast";
    const std::string csv = "a,b\r\n\"x\ny\",\"q\"\"q\"\n1,2\n";
    const std::string json = "{\"a\":\"text\\n\",\"n\":-1.5e3}\n \n{\"a\":true,\"o\":{\"p\":[]}}\n";
    for (std::uint8_t format = 0; format < 6; ++format) {
      const std::string options =
          packed(format, std::uint8_t{7}, std::uint8_t{16}, std::uint8_t{9}, std::uint16_t{20});
      const std::string suffix = std::to_string(format);
      add("pieces", "format_" + suffix,
          options + (format == 2   ? csv
                     : format == 3 ? json
                                   : text + (format == 4 ? "12" : "")));
    }
    add("pieces", "csv_header",
        packed(std::uint8_t{0x80}, std::uint8_t{0}, std::uint8_t{3}, std::uint8_t{9},
               std::uint16_t{6}) +
            csv);
    const std::pair<const char*, io::Compression> kinds[] = {{"gzip", io::Compression::kGzip},
                                                             {"zstd", io::Compression::kZstd},
                                                             {"lz4", io::Compression::kLz4}};
    for (const auto& [name, kind] : kinds) {
      const std::string frame = io::compressed(kind, text + text + text);
      const std::string options = packed(std::uint8_t{0}, std::uint8_t{0}, std::uint8_t{200},
                                         std::uint8_t{255}, std::uint16_t{0});
      add("compressed", name, options + frame);
      add("compressed", name + "_twice"s, options + frame + frame);
      add("compressed", name + "_cut"s, options.substr(0, 4) + packed(std::uint16_t{30}) + frame);
    }
  }

  void write_plugins() {
    add("plugin_note", "shared_object", small_elf());
    abi::Plugin plugin;
    abi::JobInfo job;
    job.name = "job";
    job.summary = "What it does.";
    job.key_order = "bytes";
    job.inputs = {"left", "right"};
    job.parameters = {{"k", abi::ParameterType::kInteger, false, "3", "How many.", {"3", "4"}}};
    plugin.jobs = {job};
    add("description", "one_job", worker::encode_description(plugin));
    add("description", "refusal",
        worker::encode_refusal(Status(StatusCode::kInvalidArgument, "why")));
    worker::RunOutcome outcome;
    outcome.failure.message = "why";
    outcome.failure.stack = {"f()", "g()"};
    add("executor_frames", "failure", framed(worker::encode_outcome(AttemptId{5}, outcome)));
    outcome.succeeded = true;
    outcome.report.counters = {{"lines", 7}};
    add("executor_frames", "success", framed(worker::encode_outcome(AttemptId{5}, outcome)));
    worker::ExecutorTask task;
    task.scratch = "/scratch";
    std::vector<worker::LocalSegment> segments(2);
    segments[1].path = "/run";
    task.segments = worker::make_segment_list(std::move(segments));
    add("executor_frames", "task", framed(worker::encode_task(task, nullptr)));
    add("executor_frames", "same_list", framed(worker::encode_task(task, task.segments)));
    const std::string map =
        "7f0000001000-7f0000002000 r-xp 00001000 08:01 123   /usr/lib/plugin.so\n";
    add("crash_page", "null_pointer",
        packed(std::uint32_t{1}, std::int32_t{11}, std::int32_t{1}, std::uint64_t{0},
               std::uint64_t{0x7fff0000}, std::uint32_t{2},
               static_cast<std::uint32_t>(map.size())) +
            map);
  }

  static std::string framed(const std::string& frame) {
    return packed(static_cast<std::uint32_t>(frame.size())) + frame;
  }

  /// An ELF header, a load segment, a note segment, a symbol table with one function.
  static std::string small_elf() {
    constexpr fanfold::detail::FingerprintNote kNote;
    const std::string note(reinterpret_cast<const char*>(&kNote), sizeof kNote);
    const std::string strings = "\0answer\0"s;
    constexpr std::uint64_t kHeaders = sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr);
    const std::uint64_t symbols_at = kHeaders + note.size();
    const std::uint64_t strings_at = symbols_at + sizeof(Elf64_Sym);
    const std::uint64_t sections_at = strings_at + strings.size();
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_DYN;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    header.e_shoff = sections_at;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 2;
    Elf64_Phdr load{};
    load.p_type = PT_LOAD;
    load.p_filesz = 0x2000;
    load.p_vaddr = 0x1000;
    Elf64_Phdr notes{};
    notes.p_type = PT_NOTE;
    notes.p_offset = kHeaders;
    notes.p_filesz = note.size();
    Elf64_Sym symbol{};
    symbol.st_name = 1;
    symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
    symbol.st_value = 0x1000;
    symbol.st_size = 0x100;
    Elf64_Shdr table{};
    table.sh_type = SHT_SYMTAB;
    table.sh_offset = symbols_at;
    table.sh_size = sizeof symbol;
    table.sh_link = 1;
    Elf64_Shdr names{};
    names.sh_type = SHT_STRTAB;
    names.sh_offset = strings_at;
    names.sh_size = strings.size();
    return packed(header, load, notes) + note + packed(symbol) + strings + packed(table, names);
  }

  void write_values() {
    const auto value = [](const auto& v) {
      Bytes bytes;
      encode_value(v, bytes);
      return std::string(bytes.view());
    };
    const auto key = [](const auto& k) {
      Bytes bytes;
      encode_key(k, bytes);
      return std::string(bytes.view());
    };
    add("values", "key_pair", "\0"s + key(std::pair("a\0b"s, std::int64_t{-5})));
    add("values", "key_list",
        "\1"s + key(std::vector<std::tuple<std::string, bool>>{{"a", true}, {"", false}}));
    add("values", "key_optional",
        "\2"s + key(std::optional(std::vector<std::optional<std::string>>{"a", std::nullopt})));
    add("values", "list",
        "\3"s + value(std::vector<std::pair<std::string, std::int32_t>>{{"a", 1}, {"b", -70000}}));
    add("values", "tuple",
        "\4"s + value(std::tuple(std::optional("a"s), 0.5, std::uint16_t{60000})));
    // vector<Visit> of foreign_targets.cpp: count; page, time, first, weights.
    add("values", "cereal",
        "\5\1\1p"s + packed(std::uint64_t{9}) + "\1\1\1w\2"s + packed(0.5, 1.5));
  }

  const std::string folder_;
  bool ok_ = true;
};

}  // namespace
}  // namespace fanfold::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_corpus DIR\n", stderr);
    return 2;
  }
  fanfold::fuzz::CorpusWriter writer(argv[1]);
  writer.write_all();
  return writer.ok() ? 0 : 1;
}
