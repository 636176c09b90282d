#include "worker/items/processor.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "common/items/payload.hpp"
#include "worker/items/retry.hpp"

namespace fanfold::worker {
namespace {

using items::Path;
using items::Payload;
using items::Scope;

/// A processor whose states lead in a circle ends here.
constexpr std::uint32_t kTransitionsMax = 1000;
/// Of one child; later ones are counted, not kept.
constexpr std::size_t kHistoryMax = 100;
/// Of an error; what is longer is cut.
constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kCauseBytesMax = 8u << 10;
/// Of what a child gives, as JSON: with its input it is one line of a file.
constexpr std::size_t kOutputBytesMax = 32u << 20;

/// InputPath, OutputPath, ResultPath: a path, or null, which is nothing at all.
struct OptionalPath {
  Path path;
  bool nothing = false;
};

Result<OptionalPath> path_of(const Json& state, const char* field) {
  OptionalPath found;
  const auto value = state.find(field);
  if (value == state.end()) return found;
  found.nothing = value->is_null();
  if (!found.nothing) {
    FANFOLD_ASSIGN_OR_RETURN(found.path, Path::parse(value->get<std::string>()));
  }
  return found;
}

Result<std::optional<Payload>> payload_of(const Json& state, const char* field) {
  const auto value = state.find(field);
  if (value == state.end()) return std::optional<Payload>();
  FANFOLD_ASSIGN_OR_RETURN(Payload payload, Payload::parse(*value));
  return std::optional<Payload>(std::move(payload));
}

const Json* field_of(const Json& state, const char* name) {
  const auto found = state.find(name);
  return found == state.end() ? nullptr : &*found;
}

Duration seconds_of(const Json& state, const char* name) {
  return std::chrono::seconds(state.value(name, std::int64_t{0}));
}

}  // namespace

struct Processor::State {
  const Json* json = nullptr;
  std::string type;
  OptionalPath input_path;
  OptionalPath result_path;
  OptionalPath output_path;
  std::optional<Payload> parameters;
  std::optional<Payload> result_selector;
  std::string next;  // Empty: the end.
};

Processor::Processor() = default;
Processor::Processor(Processor&&) noexcept = default;
Processor& Processor::operator=(Processor&&) noexcept = default;
Processor::~Processor() = default;

Result<Processor> Processor::make(Json definition) {
  Processor processor;
  processor.definition_ = std::make_unique<Json>(std::move(definition));
  try {
    for (const auto& [name, json] : processor.definition_->at("States").items()) {
      State state;
      state.json = &json;
      state.type = json.at("Type").get<std::string>();
      FANFOLD_ASSIGN_OR_RETURN(state.input_path, path_of(json, "InputPath"));
      FANFOLD_ASSIGN_OR_RETURN(state.result_path, path_of(json, "ResultPath"));
      FANFOLD_ASSIGN_OR_RETURN(state.output_path, path_of(json, "OutputPath"));
      FANFOLD_ASSIGN_OR_RETURN(state.parameters, payload_of(json, "Parameters"));
      FANFOLD_ASSIGN_OR_RETURN(state.result_selector, payload_of(json, "ResultSelector"));
      state.next = json.value("Next", "");
      processor.states_.emplace(name, std::move(state));
    }
    processor.states_.at(processor.definition_->at("StartAt").get<std::string>());
  } catch (const std::exception& error) {
    return Status(StatusCode::kCorruption,
                  std::string("the definition of the processor is damaged: ") + error.what());
  }
  return processor;
}

/// One child on its way.
class Processor::Walk {
 public:
  Walk(const Processor& processor, std::uint64_t child, Json input, const Doors& doors)
      : processor_(processor), doors_(doors), child_(child), data_(std::move(input)) {
    context_ = processor.definition_->value("Context", Json::object());
    context_["Map"]["Item"]["Index"] = child;
    context_["Map"]["Item"]["Value"] = data_;
    random_.seed(child);
  }

  ChildOutcome run() {
    std::string at = processor_.definition_->at("StartAt").get<std::string>();
    for (std::uint32_t count = 0; !over_; ++count) {
      if (count == kTransitionsMax) {
        fail({"States.Runtime", "it passed 1000 states without coming to an end"});
        break;
      }
      const auto found = processor_.states_.find(at);
      if (found == processor_.states_.end()) {
        fail({"States.Runtime", "there is no state '" + at + "'"});
        break;
      }
      at = step(at, found->second);
    }
    if (outcome_.end == ChildEnd::kSucceeded) {
      outcome_.output = items::text_of(data_);
      if (outcome_.output.size() > kOutputBytesMax) {
        fail({"Data.Corrupt", "its output has more than 32 MiB"});
      }
    }
    return std::move(outcome_);
  }

 private:
  /// The name of the next state.
  std::string step(const std::string& name, const State& state) {
    if (state.type == "Fail") return end_in(state);
    Json input;
    if (!select(state.input_path, &input)) return {};
    if (state.type == "Succeed") {
      data_ = std::move(input);
      return leave(state);
    }
    if (state.parameters) {
      Result<Json> expanded = state.parameters->expand({input, context_});
      if (!expanded.ok()) return caught(state, parameter_failure(expanded.status()));
      input = *std::move(expanded);
    }
    if (state.type == "Pass") {
      const Json* fixed = field_of(*state.json, "Result");
      return take_result(state, fixed != nullptr ? *fixed : std::move(input));
    }
    return perform(name, state, input);
  }

  static TaskError parameter_failure(const Status& why) {
    return {"States.ParameterPathFailure", why.message()};
  }

  bool select(const OptionalPath& path, Json* selected) {
    if (path.nothing) {
      *selected = Json::object();
      return true;
    }
    Result<Json> value = path.path.value({data_, context_});
    if (!value.ok()) {
      fail(parameter_failure(value.status()));
      return false;
    }
    *selected = *std::move(value);
    return true;
  }

  std::string perform(const std::string& name, const State& state, const Json& input) {
    Retries retries(field_of(*state.json, "Retry"));
    for (std::uint32_t attempt = 1;; ++attempt) {
      ++outcome_.attempts;
      TaskResult result =
          doors_.run_task({.state = *state.json,
                           .input = input,
                           .child = child_,
                           .attempt = attempt,
                           .timeout = seconds_of(*state.json, "TimeoutSeconds"),
                           .heartbeat = seconds_of(*state.json, "HeartbeatSeconds")});
      if (auto* output = std::get_if<Json>(&result)) return take_result(state, std::move(*output));
      auto& error = std::get<TaskError>(result);
      error.name.resize(std::min(error.name.size(), kNameBytesMax));
      error.cause.resize(std::min(error.cause.size(), kCauseBytesMax));
      if (outcome_.history.size() < kHistoryMax) {
        outcome_.history.push_back(
            {{"State", name}, {"Attempt", attempt}, {"Error", error.name}, {"Cause", error.cause}});
      }
      const std::optional<Duration> delay = retries.next(error.name, random_);
      if (!delay) return caught(state, error);
      ++outcome_.retries;
      doors_.wait(*delay);
    }
  }

  std::string take_result(const State& state, Json result) {
    if (state.result_selector) {
      Result<Json> selected = state.result_selector->expand({result, context_});
      if (!selected.ok()) return caught(state, parameter_failure(selected.status()));
      result = *std::move(selected);
    }
    if (!put(state.result_path, std::move(result))) return {};
    return leave(state);
  }

  bool put(const OptionalPath& path, Json result) {
    if (path.nothing) return true;
    if (path.path.is_whole()) {
      data_ = std::move(result);
      return true;
    }
    const Status status = path.path.put(std::move(result), &data_);
    if (!status.ok()) fail({"States.ResultPathMatchFailure", status.message()});
    return status.ok();
  }

  std::string leave(const State& state) {
    Json output;
    if (!select(state.output_path, &output)) return {};
    data_ = std::move(output);
    if (state.next.empty()) {
      outcome_.end = ChildEnd::kSucceeded;
      over_ = true;
    }
    return state.next;
  }

  std::string end_in(const State& state) {
    const auto text = [&](const char* field, const char* path) -> std::string {
      const Json* where = field_of(*state.json, path);
      if (where == nullptr) return state.json->value(field, "");
      const auto parsed = items::Expression::parse(where->get_ref<const std::string&>());
      if (!parsed.ok()) return {};
      const auto value = parsed->evaluate({data_, context_});
      return value.ok() && value->is_string() ? value->get<std::string>() : "";
    };
    fail({text("Error", "ErrorPath"), text("Cause", "CausePath")});
    return {};
  }

  std::string caught(const State& state, const TaskError& error) {
    const Json* catcher = find_catcher(field_of(*state.json, "Catch"), error.name);
    if (catcher == nullptr) return fail(error);
    const std::string next = catcher->at("Next").get<std::string>();
    if (next == "dead-letter") return fail(error);
    if (next == "fail") {
      outcome_.fatal = true;
      return fail(error);
    }
    if (next == "skip") {
      outcome_.end = ChildEnd::kSkipped;
      outcome_.error = error;
      over_ = true;
      return {};
    }
    const Result<OptionalPath> path = path_of(*catcher, "ResultPath");
    if (!path.ok()) return fail({"States.Runtime", path.status().message()});
    if (!put(*path, {{"Error", error.name}, {"Cause", error.cause}})) return {};
    return next;
  }

  std::string fail(TaskError error) {
    outcome_.end = ChildEnd::kFailed;
    outcome_.error = std::move(error);
    if (outcome_.error.name.empty()) outcome_.error.name = "States.Failed";
    outcome_.error.name.resize(std::min(outcome_.error.name.size(), kNameBytesMax));
    outcome_.error.cause.resize(std::min(outcome_.error.cause.size(), kCauseBytesMax));
    over_ = true;
    return {};
  }

  const Processor& processor_;
  const Doors& doors_;
  const std::uint64_t child_;
  Json data_;
  Json context_;
  std::mt19937_64 random_;
  ChildOutcome outcome_;
  bool over_ = false;
};

ChildOutcome Processor::run(std::uint64_t child, Json input, const Doors& doors) const {
  return Walk(*this, child, std::move(input), doors).run();
}

}  // namespace fanfold::worker
