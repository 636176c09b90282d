#include "master/scheduler/stage_tasks.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/core/check.hpp"
#include "common/proto/flow.hpp"

namespace fanfold::master::scheduling {
namespace {

bool waits(TaskState state) { return state == TaskState::kReady || state == TaskState::kDelayed; }

}  // namespace

StageTasks::StageTasks(Stage stage, std::size_t count) : stage_(stage), tasks_(count) {
  counts_[static_cast<std::size_t>(TaskState::kReady)] = size();
}

StageTasks::StageTasks(Stage stage, const std::vector<std::uint64_t>& bytes)
    : StageTasks(stage, 0) {
  append(bytes);
}

void StageTasks::append(const std::vector<std::uint64_t>& bytes) {
  for (const std::uint64_t one : bytes) {
    tasks_.emplace_back().bytes = one;
    bytes_total += one;
    bytes_waiting_ += one;
  }
  counts_[static_cast<std::size_t>(TaskState::kReady)] += static_cast<std::uint32_t>(bytes.size());
  if (!flows_.empty()) flows_.resize(tasks_.size());
}

Task& StageTasks::at(std::uint32_t index) {
  FANFOLD_CHECK(index < tasks_.size());
  return tasks_[index];
}

const Task& StageTasks::at(std::uint32_t index) const {
  FANFOLD_CHECK(index < tasks_.size());
  return tasks_[index];
}

void StageTasks::move(std::uint32_t index, TaskState to) {
  Task& task = at(index);
  FANFOLD_CHECK(is_legal(task.state, to));
  // An attempt is live exactly while its task is assigned; committing ends the attempts after.
  FANFOLD_CHECK(to == TaskState::kAssigned || to == TaskState::kCommitted || task.live == 0);
  --counts_[static_cast<std::size_t>(task.state)];
  ++counts_[static_cast<std::size_t>(to)];
  if (waits(task.state)) bytes_waiting_ -= task.bytes;
  if (waits(to)) bytes_waiting_ += task.bytes;
  const TaskState from = std::exchange(task.state, to);
  if (lanes_.of(index) != nullptr) return lanes_.note(index, from, to);
  if (preferences_.prefers(index)) return preferences_.note(index, from, to);
  if (to == TaskState::kReady && place_in_order(index) < cursor_) again_.push_back(index);
}

void StageTasks::arrange(std::vector<std::uint32_t> order, std::uint32_t urgent) {
  FANFOLD_CHECK(cursor_ == 0 && order.size() == tasks_.size());
  order_ = std::move(order);
  places_.resize(order_.size());
  for (std::uint32_t place = 0; place < order_.size(); ++place) places_[order_[place]] = place;
  urgent_ = urgent;
  for (std::uint32_t place = 0; place < urgent_ && !preferences_.empty(); ++place) {
    prefer_worker(task_at(place), std::nullopt);
  }
}

bool StageTasks::has_urgent() const {
  if (cursor_ >= urgent_) return false;
  const std::optional<std::uint32_t> next = next_fresh();
  return next && place_in_order(*next) < urgent_;
}

void StageTasks::hold_back_after(std::uint32_t count) {
  closed_ = size() - count;
  if (preferences_.empty()) return;
  for (std::uint32_t place = count; place < size(); ++place) {
    prefer_worker(task_at(place), std::nullopt);
  }
}

void StageTasks::open_task(std::uint32_t index) {
  if (is_open(index)) return;
  // Nothing that is closed was ever taken, so that its place makes no difference.
  const std::uint32_t place = place_in_order(index);
  const std::uint32_t first = opened();
  std::swap(order_[place], order_[first]);
  places_[order_[place]] = place;
  places_[order_[first]] = first;
  --closed_;
}

void StageTasks::place(const std::vector<HostSplits>& hosts) {
  std::size_t count = 0;
  for (const HostSplits& one : hosts) count += one.count;
  FANFOLD_CHECK(hosts.empty() || count == tasks_.size());
  lanes_ = HostLanes(hosts);
}

std::string_view StageTasks::place_of(std::uint32_t index) const {
  const HostLane* lane = lanes_.of(index);
  return lane != nullptr ? std::string_view(lane->host) : std::string_view();
}

std::optional<std::uint32_t> StageTasks::take_from(
    HostLane& lane, std::size_t examined_max, const std::function<bool(std::uint32_t)>& accepts) {
  std::size_t examined = 0;
  for (auto again = lane.again.begin(); again != lane.again.end() && examined < examined_max;) {
    const std::uint32_t index = *again;
    // Given up meanwhile, and not to be looked at again.
    const bool ready = tasks_[index].state == TaskState::kReady;
    const bool chosen = ready && accepts(index);
    again = !ready || chosen ? lane.again.erase(again) : std::next(again);
    if (chosen) return index;
    ++examined;
  }
  std::optional<std::uint32_t> next = HostLanes::fresh(lane);
  // After a restart some tasks ahead are committed already; each is passed over once.
  while (next && tasks_[*next].state != TaskState::kReady) {
    lane.cursor = *next + 1;
    next = HostLanes::fresh(lane);
  }
  if (!next || !accepts(*next)) return std::nullopt;
  lane.cursor = *next + 1;
  return next;
}

void StageTasks::prefer_hosts(const std::vector<std::vector<std::string>>& hosts,
                              const std::vector<PreferredSplits>& splits) {
  std::size_t count = 0;
  for (const PreferredSplits& one : splits) count += one.count;
  FANFOLD_CHECK(count <= tasks_.size());
  preferences_.prefer_hosts(hosts, splits);
}

void StageTasks::prefer_worker(std::uint32_t index, std::optional<WorkerId> worker) {
  // What can run in one place only prefers nothing, nor does what is held back.
  if (lanes_.of(index) != nullptr || (worker && !is_open(index))) return;
  const bool ready = at(index).state == TaskState::kReady;
  const bool preferred = preferences_.prefers(index);
  const auto again = std::find(again_.begin(), again_.end(), index);
  const bool was_again = again != again_.end();
  if (was_again && worker) again_.erase(again);
  preferences_.prefer_worker(index, worker, {ready, was_again});
  const bool passed = place_in_order(index) < cursor_;
  if (preferred && !worker && ready && passed) again_.push_back(index);
}

void StageTasks::note_receipt(std::uint32_t index, std::uint32_t number) {
  Task& task = at(index);
  if (number <= task.attempts) return;
  const auto slot = [this](std::uint32_t times) -> std::uint32_t& {
    return receipts_[std::min<std::size_t>(times, receipts_.size()) - 1];
  };
  if (task.attempts > 0) --slot(task.attempts);
  ++slot(number);
  task.attempts = number;
  receipts_most_ = std::max(receipts_most_, number);
}

void StageTasks::give_up(std::uint32_t index) {
  move(index, TaskState::kGivenUp);
  Task& task = tasks_[index];
  task.committed = AttemptId{};
  task.output_empty = true;
  task.bytes_out = 0;
  bytes_given_up += task.bytes;
  if (!flows_.empty()) flows_[index] = {};
}

void StageTasks::give_up_rest() {
  for (std::uint32_t i = 0; i < size(); ++i) {
    const TaskState state = tasks_[i].state;
    if (state != TaskState::kCommitted && state != TaskState::kGivenUp) give_up(i);
  }
  again_.clear();
  lanes_.forget_again();
}

void StageTasks::take_retry(std::size_t position) {
  again_.erase(again_.begin() + static_cast<std::ptrdiff_t>(position));
}

void StageTasks::take(std::uint32_t index) {
  // A fresh one is passed over because it is not ready any more.
  const auto again = std::find(again_.begin(), again_.end(), index);
  if (again != again_.end()) again_.erase(again);
  lanes_.take(index);
}

void StageTasks::note_place(std::uint32_t index, Ran ran) {
  const Ran before = std::exchange(at(index).ran, ran);
  done_there_ -= before == Ran::kThere ? 1 : 0;
  done_elsewhere_ -= before == Ran::kElsewhere ? 1 : 0;
  done_there_ += ran == Ran::kThere ? 1 : 0;
  done_elsewhere_ += ran == Ran::kElsewhere ? 1 : 0;
}

const abi::BlockSummary* StageTasks::flow(std::uint32_t index) const {
  return at(index).committed != AttemptId{} && index < flows_.size() ? &flows_[index] : nullptr;
}

void StageTasks::set_flow(std::uint32_t index, const abi::BlockSummary& flow) {
  if (flows_.empty()) flows_.resize(tasks_.size());
  flows_.at(index) = flow;
}

abi::BlockSummary StageTasks::total_flow() const {
  abi::BlockSummary total;
  for (const abi::BlockSummary& flow : flows_) proto::add_flow(&total, flow);
  return total;
}

std::optional<std::uint32_t> StageTasks::fresh() {
  // After a restart some tasks ahead are committed already; each is passed over once.
  const std::optional<std::uint32_t> next = next_fresh();
  cursor_ = next ? place_in_order(*next) : opened();
  return next;
}

std::optional<std::uint32_t> StageTasks::next_fresh() const {
  std::uint32_t next = cursor_;
  const auto passed_over = [this](std::uint32_t index) {
    return tasks_[index].state != TaskState::kReady || lanes_.of(index) != nullptr ||
           preferences_.prefers(index);
  };
  while (next < opened() && passed_over(task_at(next))) ++next;
  if (next == opened()) return std::nullopt;
  return task_at(next);
}

}  // namespace fanfold::master::scheduling
