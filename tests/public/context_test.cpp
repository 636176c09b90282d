// What a task tells its job: counters, logs, side files, and where the record comes from.

#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fanfold {
namespace {

struct Locate {
  void setup(Context& context) { context_ = &context; }
  void map(std::string_view line, Emitter<std::string_view, std::string>& out) {
    out.emit(line, std::string(context_->file()) + "@" + std::to_string(context_->offset()) + "#" +
                       std::string(context_->input_tag()));
  }
  Context* context_ = nullptr;
};

TEST(Context, KnowsFileOffsetAndTagOfEachRecord) {
  for (const std::uint64_t split : {0, 1, 5}) {
    const auto result =
        testing::run<Locate>({.inputs = {{"a\r\nbb\n", "f.txt", "left"}, {"\nc", "g.txt", "right"}},
                              .split_bytes = split});
    EXPECT_EQ(result.output(),
              "\tg.txt@0#right\na\tf.txt@0#left\nbb\tf.txt@3#left\nc\tg.txt@1#right\n");
  }
}

struct LocateCsv : Locate {
  using Input = Csv;
  static constexpr bool csv_header = true;
  void map(const CsvRow& row, Emitter<std::string_view, std::string>& out) {
    Locate::map(row.field("k"), out);
  }
};

TEST(Context, CountsOffsetsFromTheStartOfTheFileHeaderIncluded) {
  const auto result =
      testing::run<LocateCsv>({.inputs = {{"k\r\na\r\n\"b\n\"\r\n", "f.csv"}}, .split_bytes = 1});
  EXPECT_EQ(result.output(), "a\tf.csv@3#\nb\\n\tf.csv@6#\n");
}

struct Count {
  void setup(Context& context) {
    lines_ = &context.counter("lines");
    bytes_ = &context.counter("bytes");
    context.counter("never");
    EXPECT_EQ(&context.counter("lines"), lines_) << "one name, one counter";
  }
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) {
    lines_->add();
    bytes_->add(static_cast<std::int64_t>(line.size()));
    out.emit(line);
  }
  void reduce(std::string_view, Values<Nothing>&, Writer&) { lines_->add(-1); }
  Counter* lines_ = nullptr;
  Counter* bytes_ = nullptr;
};

TEST(Counters, AddUpOverAllTasks) {
  const auto result =
      testing::run<Count>({.input = "aa\nb\naa\nc\n", .partitions = 3, .split_bytes = 1});
  EXPECT_EQ(result.counters.at("lines"), 4 - 3);
  EXPECT_EQ(result.counters.at("bytes"), 6);
  EXPECT_EQ(result.counters.count("never"), 0u);
}

struct Log {
  void setup(Context& context) {
    context.log("task " + std::to_string(context.task_index()) + " attempt " +
                std::to_string(context.attempt()) + " of " + std::string(context.job_id()) +
                " with " + std::to_string(context.partitions()));
  }
  void map(std::string_view, Emitter<std::string_view, Nothing>&) {}
};

TEST(Context, TellsATaskAboutItself) {
  const auto result = testing::run<Log>({.input = "a\nb\n", .partitions = 2, .split_bytes = 1});
  EXPECT_EQ(result.log, (std::vector<std::string>{
                            "task 0 attempt 1 of test with 2", "task 1 attempt 1 of test with 2",
                            "task 0 attempt 1 of test with 2", "task 1 attempt 1 of test with 2"}));
}

struct SideFile {
  void setup(Context& context) { prefix_ = context.side_file("prefix"); }
  void map(std::string_view line, Emitter<std::string, Nothing>& out) {
    out.emit(std::string(prefix_) + std::string(line));
  }
  std::string_view prefix_;
};

TEST(Context, LendsSideFilesForTheLifeOfTheTask) {
  EXPECT_EQ(testing::run<SideFile>({.input = "b\na\n", .side_files = {{"prefix", "p/"}}}).output(),
            "p/a\np/b\n");
  EXPECT_THROW(testing::run<SideFile>({.input = "a\n"}), std::invalid_argument);
}

struct Work {
  void setup(Context& context) { context_ = &context; }
  void map(std::string_view, Emitter<std::string_view, Nothing>&) {
    for (int i = 0; i < 5; ++i) context_->progress();
  }
  Context* context_ = nullptr;
};

TEST(Progress, CountsRecordsAndSignsOfLife) {
  testing::MemoryHost host;
  abi::ProgressSlot slot;
  abi::TaskSettings settings;
  settings.progress = &slot;
  detail::JobTask<Work> task(host, settings);
  task.start();
  task.map_block({"a\nbb\nc\n", 100, "f", "", ""});
  EXPECT_EQ(slot.records.load(), 3u);
  EXPECT_EQ(slot.offset.load(), 105u);
  EXPECT_EQ(slot.ticks.load(), 15u);
  EXPECT_EQ(slot.in_user_code.load(), 0u);
}

/// Says where it is when it throws.
struct Thrower {
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) {
    if (line == "bad") throw std::runtime_error("cannot take this");
    out.emit(line);
  }
};

TEST(Progress, PointsAtTheRecordThatThrew) {
  testing::MemoryHost host;
  abi::ProgressSlot slot;
  abi::TaskSettings settings;
  settings.progress = &slot;
  detail::JobTask<Thrower> task(host, settings);
  task.start();
  EXPECT_THROW(task.map_block({"good\nbad\ngood\n", 40, "f", "", ""}), std::runtime_error);
  EXPECT_EQ(slot.offset.load(), 45u);
  EXPECT_EQ(slot.records.load(), 2u);
}

/// Takes bad records down, and lets the task go on.
struct TolerantHost : abi::TaskHost {
  abi::RunSink& start_run(abi::RunKind) override { throw abi::HostFailure(); }
  void finish_run() override {}
  std::unique_ptr<abi::RunSource> open_spill(std::size_t, std::uint32_t) override { return {}; }
  void drop_spill(std::size_t) override {}
  void write_output(std::string_view, std::string_view, std::uint64_t) override {}
  void add_to_counter(std::string_view, std::int64_t) override {}
  void log(std::string_view) override {}
  std::string_view side_file(std::string_view) override { return {}; }
  void note_bad_record(std::uint64_t offset, bool undone) override {
    noted.emplace_back(offset, undone);
  }
  std::vector<std::pair<std::uint64_t, bool>> noted;
};

TEST(TolerantTask, GoesOnAfterBadRecordsAndPassesOverKnownOnes) {
  TolerantHost host;
  abi::ProgressSlot slot;
  abi::TaskSettings settings;
  settings.progress = &slot;
  settings.tolerant = true;
  detail::JobTask<Thrower> task(host, settings);
  task.start();
  const std::vector<std::uint64_t> known = {1, 45, 58};
  abi::InputBlock block{"good\nbad\nbad\ngood\nbad\n", 40, "f", "", ""};
  block.passed_over = known;
  task.map_block(block);
  EXPECT_EQ(slot.records.load(), 5u);
  EXPECT_EQ(host.noted, (std::vector<std::pair<std::uint64_t, bool>>{{49, true}}));
}

}  // namespace
}  // namespace fanfold
