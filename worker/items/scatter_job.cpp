// What asks the targets of a scatter and merges their answers: each line of the input is a target
// (common/items/child_line.hpp), asked as a child of an item job is, and one reduce merges.
// `fanfold scatter` makes the input and reads the output; nobody else runs this job.
//
// A target that does not answer fails its map for good, so completion policies and deadlines are
// about targets.

#include <fanfold/hash.hpp>
#include <fanfold/job.hpp>

#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "common/items/answers.hpp"
#include "common/items/child_line.hpp"
#include "worker/items/must.hpp"
#include "worker/items/processor.hpp"
#include "worker/items/tasks.hpp"

namespace {

using fanfold::items::Answer;
using fanfold::items::AnswerRules;
using fanfold::items::Child;
using fanfold::items::Json;
using fanfold::worker::ChildEnd;
using fanfold::worker::ChildOutcome;
using fanfold::worker::must;

class ScatterJob {
 public:
  /// Where an answer belongs: its order, its target, its place among those of the target.
  using Place = std::tuple<double, std::uint64_t, std::uint64_t>;
  /// A digest of what makes answers equal, and the answer.
  using Value = std::tuple<std::uint64_t, std::uint64_t, std::string_view>;
  using Out = fanfold::Emitter<Place, Value>;

  static std::uint32_t partition(const Place& /*place*/, std::uint32_t /*partitions*/) { return 0; }

  void setup(fanfold::Context& context) {
    context_ = &context;
    definition_ = must(fanfold::items::parse_json(context.side_file("definition")));
    rules_ = must(fanfold::items::parse_rules(definition_.value("Answers", Json())));
    duplicates_ = &context.counter("duplicates");
    retries_ = &context.counter("task_retries");
  }

  void map(std::string_view line, Out& out) {
    if (context_->attempt() > kAskedMax) {
      throw std::runtime_error(
          "Task.Lost: the executor was killed or its machine was lost each of " +
          std::to_string(kAskedMax) + " times that it was asked");
    }
    if (!tasks_) prepare();
    const Child target = must(fanfold::items::parse_child(line));
    tasks_->begin(target.index, target.input);
    const ChildOutcome outcome =
        processor_->run(target.index, must(fanfold::items::parse_json(target.input)), doors_);
    retries_->add(static_cast<std::int64_t>(outcome.retries));
    if (outcome.end != ChildEnd::kSucceeded) {
      throw std::runtime_error(outcome.error.name + ": " + outcome.error.cause);
    }
    std::uint64_t equal = 0;
    const auto answers = fanfold::items::read_answers(
        rules_, must(fanfold::items::parse_json(outcome.output)), &equal);
    if (!answers.ok()) throw std::runtime_error("Data.Corrupt: " + answers.status().message());
    duplicates_->add(static_cast<std::int64_t>(equal));
    std::uint64_t place = 0;
    for (const Answer& answer : *answers) {
      const XXH128_hash_t digest = XXH3_128bits(answer.identity.data(), answer.identity.size());
      out.emit(Place{answer.order, target.index, place++},
               Value{digest.high64, digest.low64, answer.text});
    }
  }

  void reduce(const Place& /*place*/, fanfold::Values<Value>& values, fanfold::Writer& out) {
    for (const auto& [high, low, text] : values) {
      const std::pair<std::uint64_t, std::uint64_t> identity(high, low);
      if (rules_.distinct && seen_.contains(identity)) {
        duplicates_->add();
        continue;
      }
      if (rules_.top != 0 && written_ == rules_.top) continue;
      if (rules_.distinct) seen_.insert(identity);
      if (seen_.size() > kDistinctMax) {
        throw std::runtime_error(
            "there are more than 4,000,000 different answers; --top bounds them");
      }
      ++written_;
      out.write_line(text);
    }
  }

 private:
  /// A target that ends whoever asks it would be asked for ever: the engine takes that for losses
  /// of machines.
  static constexpr std::uint32_t kAskedMax = 4;
  /// What a reduce has to remember of the answers that it has written.
  static constexpr std::size_t kDistinctMax = 4'000'000;

  void prepare() {
    const auto alive = [this] { context_->progress(); };
    tasks_ = std::make_unique<fanfold::worker::ItemTasks>(fanfold::worker::ItemTasks::Options{
        alive, definition_.value("Run", ""), definition_.value("Directory", "/"),
        &fanfold::worker::kept_jobs()});
    processor_ = must(fanfold::worker::Processor::make(definition_));
    doors_.run_task = [this](const fanfold::worker::TaskCall& call) { return ask(call); };
    doors_.wait = [alive](fanfold::Duration delay) {
      fanfold::worker::wait_for_retry(delay, alive);
    };
  }

  fanfold::worker::TaskResult ask(const fanfold::worker::TaskCall& call) {
    fanfold::worker::TaskResult result = tasks_->run(call);
    const Json* const printed = std::get_if<Json>(&result);
    if (printed == nullptr || !printed->is_string()) return result;
    // JSON, in which it goes on from here, carries nothing else.
    if (fanfold::items::is_utf8(printed->get_ref<const std::string&>())) return result;
    return fanfold::worker::TaskError{"Data.Corrupt", "what it printed is no text in UTF-8"};
  }

  fanfold::Context* context_ = nullptr;
  Json definition_;
  AnswerRules rules_;
  std::unique_ptr<fanfold::worker::ItemTasks> tasks_;
  std::optional<fanfold::worker::Processor> processor_;
  fanfold::worker::Processor::Doors doors_;
  fanfold::Counter* duplicates_ = nullptr;
  fanfold::Counter* retries_ = nullptr;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;
  std::uint64_t written_ = 0;
};

}  // namespace

FANFOLD_JOB(ScatterJob, "scatter",
            "Asks the targets of a scatter and merges their answers: see `fanfold scatter`.");
