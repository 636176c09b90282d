// What runs the children of an item job: a map over lines of the input
// (common/items/child_line.hpp) that writes what has become of each child to a named output.
// `fanfold run FILE.json` makes the input and reads the outputs; nobody else runs this job.

#include <fanfold/job.hpp>

#include <chrono>
#include <memory>
#include <optional>

#include "common/items/child_line.hpp"
#include "common/items/json_text.hpp"
#include "common/proto/failures.hpp"
#include "worker/items/must.hpp"
#include "worker/items/processor.hpp"
#include "worker/items/tasks.hpp"

namespace {

using fanfold::items::Child;
using fanfold::items::Json;
using fanfold::items::text_of;
using fanfold::worker::ChildEnd;
using fanfold::worker::ChildOutcome;
using fanfold::worker::must;

std::uint64_t unix_ms() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

class ItemsJob {
 public:
  using Out = fanfold::Emitter<std::string_view, std::uint64_t>;

  void setup(fanfold::Context& context) {
    context_ = &context;
    Json definition = must(fanfold::items::parse_json(context.side_file("definition")));
    tolerated_ = definition.value("Tolerated", std::uint64_t{0});
    const auto alive = [this] { context_->progress(); };
    tasks_ = std::make_unique<fanfold::worker::ItemTasks>(fanfold::worker::ItemTasks::Options{
        alive, definition.value("Run", ""), definition.value("Directory", "/"),
        &fanfold::worker::kept_jobs()});
    processor_ = must(fanfold::worker::Processor::make(std::move(definition)));
    doors_.run_task = [this](const fanfold::worker::TaskCall& call) { return tasks_->run(call); };
    doors_.wait = [alive](fanfold::Duration delay) {
      fanfold::worker::wait_for_retry(delay, alive);
    };
    failures_ = &context.counter(fanfold::proto::kFailureCounter);
    succeeded_ = &context.counter("items_succeeded");
    failed_ = &context.counter("items_failed");
    skipped_ = &context.counter("items_skipped");
    retries_ = &context.counter("task_retries");
  }

  void map(std::string_view line, Out& out) {
    const Child child = must(fanfold::items::parse_child(line));
    // More failures than the whole job may have: it ends as soon as this attempt commits.
    if (over_) return out.to("pending").write_line(fanfold::items::line_of(child));
    tasks_->begin(child.index, child.input);
    const std::uint64_t began = unix_ms();
    const ChildOutcome outcome =
        processor_->run(child.index, must(fanfold::items::parse_json(child.input)), doors_);
    const std::uint64_t ended = unix_ms();
    const auto items = static_cast<std::int64_t>(child.items);
    retries_->add(static_cast<std::int64_t>(outcome.retries));
    switch (outcome.end) {
      case ChildEnd::kSucceeded:
        succeeded_->add(items);
        return out.to("succeeded")
            .write_line(fanfold::items::line_of(fanfold::items::SucceededChild{
                child, began, ended, outcome.attempts, outcome.output}));
      case ChildEnd::kSkipped:
        skipped_->add(items);
        return context_->log("item " + std::to_string(child.index) +
                             " is skipped: " + outcome.error.name + ": " + outcome.error.cause);
      case ChildEnd::kFailed:
        break;
    }
    failed_->add(items);
    if (outcome.fatal) context_->counter("items_never_tolerated").add(1);
    failures_->add(outcome.fatal ? fanfold::proto::kNeverTolerated : items);
    failures_here_ += child.items;
    over_ = outcome.fatal || failures_here_ > tolerated_;
    out.to("failed").write_line(fanfold::items::line_of(fanfold::items::FailedChild{
        child, began, ended, outcome.attempts, text_of(outcome.error.name),
        text_of(outcome.error.cause), text_of(outcome.history)}));
  }

 private:
  fanfold::Context* context_ = nullptr;
  std::unique_ptr<fanfold::worker::ItemTasks> tasks_;
  std::optional<fanfold::worker::Processor> processor_;
  fanfold::worker::Processor::Doors doors_;
  std::uint64_t tolerated_ = 0;
  std::uint64_t failures_here_ = 0;
  bool over_ = false;
  fanfold::Counter* failures_ = nullptr;
  fanfold::Counter* succeeded_ = nullptr;
  fanfold::Counter* failed_ = nullptr;
  fanfold::Counter* skipped_ = nullptr;
  fanfold::Counter* retries_ = nullptr;
};

}  // namespace

FANFOLD_JOB(ItemsJob, "items", "Runs the children of an item job: see `fanfold run FILE.json`.");
