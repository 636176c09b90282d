// The plugin boundary: what a host (executor, test kit, in-process run) and a compiled job
// know of each other.  It is crossed once per block of records, never per record or pair.
//
// Both sides are built by compatible compilers from the same headers: fingerprint.hpp proves
// that before any code of the plugin runs.  A job author includes job.hpp, not this file.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fanfold::abi {

/// Changes whenever anything in this file changes its meaning.
inline constexpr std::uint32_t kApiVersion = 4;

/// How bytes of input become records.  Values are permanent: they are stored in job records.
enum class RecordFormat : std::uint8_t {
  kLines = 1,      // LF or CRLF; a missing final newline is fine.
  kKeyValue = 2,   // A line cut at its first TAB.
  kCsv = 3,        // RFC 4180, quoted newlines included.
  kJsonLines = 4,  // One JSON text a line; blank lines are no records.
  kFixed = 5,      // Records of `fixed_length` bytes; a shorter last one is an error.
  kWholeFile = 6,  // One record a file.
};

enum class Partitioning : std::uint8_t {
  kHash = 1,    // hash.hpp; the default.
  kRange = 2,   // Sampled splitters: part i holds smaller keys than part i + 1.
  kCustom = 3,  // The job's own partition(key, n).
};

/// How the results of a job's reduces are brought together (docs/patterns/gather.md).
enum class Gather : std::uint8_t {
  kNone = 0,       // They are not: a part file for each reduce.
  kConcat = 1,     // One after the other, in the order of partitions.
  kMergeSort = 2,  // Into one that is sorted by key.
  kReduce = 3,     // Folded by combine() in a tree; reduce() sees what is left.
};
/// Of a tree: how many results one of its tasks brings together.
inline constexpr std::uint32_t kGatherArityLeast = 2;
inline constexpr std::uint32_t kGatherArityMost = 256;  // Each is an open file.

enum class OutputFormat : std::uint8_t { kText = 1, kJsonLines = 2, kBinary = 3 };

enum class ParameterType : std::uint8_t { kString = 1, kInteger = 2, kNumber = 3, kBoolean = 4 };

/// One declared parameter of a job (`--param name=value`).
struct Parameter {
  std::string name;
  ParameterType type = ParameterType::kString;
  bool required = false;
  std::string default_value;  // As text; meaningless when required.
  std::string help;
  std::vector<std::string> choices;  // Empty: any value of the type.
};

/// Where user code is at this moment.  Lives in memory that survives the executor, so that a
/// crash or a hang can be pinned to its record.  Written with plain relaxed stores.
struct ProgressSlot {
  std::atomic<std::uint64_t> records{0};  // Records (map) or values (reduce) started so far.
  std::atomic<std::uint64_t> offset{0};   // Map: byte offset in the file.  Reduce: key ordinal.
  std::atomic<std::uint64_t> ticks{0};    // ctx.progress() calls and blocks written.
  std::atomic<std::uint32_t> piece{0};    // Map: index of the piece being read; set by the host.
  std::atomic<std::uint32_t> in_user_code{kEngine};  // One of the three below.
  /// Reduce: the encoded key at hand, in memory of the task's process; none while the size is
  /// kNoKey.
  std::atomic<const char*> key{nullptr};
  std::atomic<std::uint64_t> key_size{kNoKey};
  static constexpr std::uint64_t kNoKey = ~std::uint64_t{0};
  static constexpr std::uint32_t kEngine = 0;
  static constexpr std::uint32_t kAtRecord = 1;  // The job's code, at the record or key above.
  static constexpr std::uint32_t kAtNone = 2;    // The job's code: setup, finish, combine.
};

/// Whole records of one input file, borrowed until map_block() returns.
struct InputBlock {
  std::string_view bytes;
  std::uint64_t offset = 0;  // Of bytes[0] in the (decompressed) file.
  std::string_view file;     // As the user named it.
  std::string_view tag;      // Which declared input it belongs to; empty when undeclared.
  std::string_view header;   // First record of the file when JobInfo::csv_header.
  /// Where records begin that are to be passed over: offsets in the file, ascending.  They count
  /// as read.  Only with TaskSettings::tolerant.
  std::span<const std::uint64_t> passed_over = {};
};

/// What one block of encoded records adds up to.  `sum` and `exclusive_or` run over the XXH3 of
/// each encoded record, so they do not depend on the order of records.
struct BlockSummary {
  std::uint64_t records = 0;
  std::uint64_t sum = 0;
  std::uint64_t exclusive_or = 0;
};

enum class RunKind : std::uint8_t {
  kSpill = 1,  // Intermediate; readable again through open_spill().
  kFinal = 2,  // The map task's output.
};

/// Receives one sorted run.  Partitions never decrease from call to call; each block holds whole
/// records of one partition in order: varint key size, varint value size, key, value.
class RunSink {
 public:
  virtual void write(std::uint32_t partition, std::string_view block,
                     const BlockSummary& summary) = 0;

 protected:
  ~RunSink() = default;
};

/// One sorted segment, read forward block by block.
class RunSource {
 public:
  virtual ~RunSource() = default;
  /// The next block of whole encoded records, valid until the next call; empty at the end.
  virtual std::string_view next() = 0;
};

/// A key that much of what a map task emitted belongs to.
struct HotKey {
  std::string_view key;    // The beginning of the encoded key...
  std::uint64_t size = 0;  // ...which has so many bytes...
  std::uint64_t hash = 0;  // ...and this hash.
  std::uint32_t partition = 0;
  std::uint64_t bytes = 0;  // Of its pairs, encoded: at least so many, worked out from samples.
};

/// What a map task emitted, before any combining; borrowed.
struct Emission {
  std::uint64_t bytes = 0;
  std::span<const std::uint64_t> partition_bytes;
  std::span<const HotKey> hot_keys;  // The largest first.
};

/// What a host offers to the one task that runs in this thread.  When the host cannot do what
/// is asked (disk full, corrupt block) it notes the failure and throws HostFailure; task code lets
/// that pass.  A host that has noted a failure never reports success, whoever caught the exception.
class TaskHost {
 public:
  /// Starts a run; finish_run() ends it.  One at a time.
  virtual RunSink& start_run(RunKind kind) = 0;
  virtual void finish_run() = 0;
  /// Segment `partition` of the `index`-th spill (from 0, in order of finish_run()).
  virtual std::unique_ptr<RunSource> open_spill(std::size_t index, std::uint32_t partition) = 0;
  /// Frees the disk space of a spill that is not needed any more.
  virtual void drop_spill(std::size_t index) = 0;

  /// Appends to the output called `name`; empty is the task's part file.
  virtual void write_output(std::string_view name, std::string_view bytes,
                            std::uint64_t records) = 0;

  virtual void add_to_counter(std::string_view name, std::int64_t delta) = 0;
  /// Once, at the end of a map task that emitted something.
  virtual void note_emission(const Emission& emission) { static_cast<void>(emission); }
  virtual void log(std::string_view text) = 0;
  /// Contents of a side file (`--file name=PATH`), mapped read-only for the task's life.
  virtual std::string_view side_file(std::string_view name) = 0;

  /// With TaskSettings::tolerant: map() threw on the record at this offset of the file; called
  /// while that exception is handled.  `undone`: nothing of the record is left.  Returns when the
  /// task may go on with the next record, throws otherwise.
  virtual void note_bad_record(std::uint64_t offset, bool undone) {
    static_cast<void>(offset);
    static_cast<void>(undone);
    throw;
  }

 protected:
  ~TaskHost() = default;
};

/// Counted under this name: pairs that a map emitted, before any combining.  No counter of a job:
/// hosts keep it apart.
inline constexpr std::string_view kEmittedCounter = "fanfold.emitted";
/// The same: records that a tolerant map task read and did not map.
inline constexpr std::string_view kUnmappedCounter = "fanfold.unmapped";

struct HostFailure {};

/// Context::give_back() throws it: no exception of the job, and nothing that its handlers of
/// std::exception catch.  The host ends the attempt, and the task is due again after `delay_ms`.
struct GivenBack {
  std::uint64_t delay_ms = 0;
  std::string why;
};

enum class TaskMode : std::uint8_t { kMap = 1, kReduce = 2, kSample = 3 };

/// What a reduce task makes of its segments.  All but kWrite is a final run of partition 0, for the
/// tasks that gather.
enum class Reduction : std::uint8_t {
  kWrite = 0,  // What reduce() writes is the part.
  kFold = 1,   // Values that combine() alone has folded.
  kKeep = 2,   // What reduce() writes, record by record, under the keys at which it did.
};

struct TaskSettings {
  TaskMode mode = TaskMode::kMap;
  std::uint32_t partitions = 1;  // Reduce tasks of the job.
  std::uint32_t index = 0;       // Split or partition number of this task.
  std::uint32_t attempt = 1;     // 1 for the first attempt at the task.
  std::string job_id;
  std::uint64_t memory_bytes = 64u << 20;  // For tables, buffers and merges of the task together.
  std::uint32_t threads = 1;               // That user code of the task may use at once.
  OutputFormat output_format = OutputFormat::kText;
  bool combine = true;       // False: a declared combiner is left out (for tests).
  bool measure_keys = true;  // Map: hot keys are looked for.
  Reduction reduction = Reduction::kWrite;
  bool tolerant = false;  // Map and sample: the job may do without some of its records.
  std::map<std::string, std::string, std::less<>> parameters;  // Complete: defaults filled in.
  std::vector<std::string> splitters;  // kRange: partitions - 1 encoded keys, ascending.
  ProgressSlot* progress = nullptr;    // Never null when a host runs the task.
};

/// One task of a job, made for one mode.  Not thread-safe; user exceptions pass through.
class Task {
 public:
  virtual ~Task() = default;
  /// Calls the job's setup().
  virtual void start() = 0;
  /// kMap and kSample: maps every record of the block.
  virtual void map_block(const InputBlock& block) = 0;
  /// kMap: calls finish(), merges the spills and writes the final run.
  virtual void finish_map() = 0;
  /// kSample: partitions - 1 splitters (fewer when there are too few distinct keys), ascending.
  virtual std::vector<std::string> finish_sample() = 0;
  /// kReduce: merges the segments, in the order of their splits, and reduces every key.
  virtual void reduce(std::vector<std::unique_ptr<RunSource>> segments) = 0;
};

/// Everything that can be known of a job without running a task of it.
struct JobInfo {
  std::string name;
  std::string summary;
  RecordFormat format = RecordFormat::kLines;
  std::uint64_t fixed_length = 0;  // kFixed; 0 means: parameter "record_length".
  bool csv_header = false;         // kCsv: the first record of a file names the fields.
  Partitioning partitioning = Partitioning::kHash;
  bool has_combiner = false;
  bool has_reduce = false;
  bool order_values = false;
  Gather gather = Gather::kNone;    // Unless the user wants another.
  std::uint32_t gather_arity = 0;   // The same; 0: any.
  bool writes_at_end = false;       // A reduce writes behind its last key, too.
  std::string key_order;            // How `fanfold cat` compares keys: docs/disk_format.md.
  std::vector<std::string> inputs;  // Tags of TAG=PATH inputs; empty: plain paths.
  std::vector<Parameter> parameters;
  std::unique_ptr<Task> (*make_task)(TaskHost& host, const TaskSettings& settings) = nullptr;
};

/// What the entry point returns; lives as long as the plugin is loaded.
struct Plugin {
  std::uint32_t api_version = kApiVersion;
  std::vector<JobInfo> jobs;
};

/// The one symbol that a plugin exports.
inline constexpr const char* kEntryPoint = "fanfold_plugin";
using EntryPoint = const Plugin* (*)();

/// The ELF note that carries the fingerprint: name "fanfold", this type, text as descriptor.
inline constexpr const char* kNoteSection = ".note.fanfold";
inline constexpr std::uint32_t kNoteType = 0x46464e31;  // "FFN1"

}  // namespace fanfold::abi
