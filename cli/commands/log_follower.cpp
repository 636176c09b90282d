#include "cli/commands/log_follower.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/client/event_stream.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;

/// What comes without an end of line for so long is shown as a line.
constexpr std::size_t kLineBytes = 64u << 10;

std::string text_of(const Json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string outcome_of(const Json& line) {
  std::string text = printable(text_of(line, "outcome"), false);
  const std::string cause = printable(text_of(line, "cause"), false);
  if (!cause.empty()) text += ": " + cause + ": " + printable(text_of(line, "message"), false);
  return text;
}

}  // namespace

bool LogFollower::is_wanted(const std::string& task, std::uint32_t number) const {
  if (target_.task && task != name_of(*target_.task)) return false;
  return target_.attempt_number == 0 || target_.attempt_number == number;
}

void LogFollower::note_event(std::string_view text) {
  // Most lines of other kinds need no parser.
  if (!text.starts_with("{\"event\":\"attempt.")) return;
  const Json line = Json::parse(text, nullptr, false);
  if (!line.is_object()) return;
  const std::string task = text_of(line, "task");
  const auto attempt = line.find("attempt");
  const std::uint32_t number =
      attempt != line.end() && attempt->is_number_unsigned() ? attempt->get<std::uint32_t>() : 0;
  const std::string id_text = text_of(line, "id");
  std::uint64_t id = 0;
  std::from_chars(id_text.data(), id_text.data() + id_text.size(), id);
  if (id == 0 || !is_wanted(task, number) || shown_.contains(id)) return;
  Followed& followed = attempts_[id];
  followed.name = task + "." + std::to_string(number);
  followed.worker = text_of(line, "worker");
  const std::string event = text_of(line, "event");
  followed.runs = followed.runs || event != "attempt.assigned";
  if (event != "attempt.ended") return;
  followed.over = true;
  followed.outcome = outcome_of(line);
}

Result<bool> LogFollower::read_events() {
  while (true) {
    const proto::GetEvents question{.job = target_.job, .offset = events_read_};
    FANFOLD_ASSIGN_OR_RETURN(proto::Events part,
                             client_.ask<proto::Events>(question, hooks_.asking));
    // The answer to an earlier question that was repeated.
    if (part.job != target_.job || part.offset != events_read_) continue;
    events_read_ += part.bytes.size();
    begun_event_ += part.bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = begun_event_.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      note_event(std::string_view(begun_event_).substr(begin, end - begin));
    }
    begun_event_.erase(0, begin);
    if (part.ended) return true;
    if (part.bytes.empty()) return false;
  }
}

Result<bool> LogFollower::show_output(AttemptId attempt, Followed& followed) {
  while (true) {
    const proto::GetOutput question{
        .job = target_.job, .attempt = attempt, .offset = followed.offset};
    Result<proto::Output> output = client_.ask<proto::Output>(question, hooks_.asking);
    // It is over, and what it wrote is gone for newer ones.
    if (output.status().code() == StatusCode::kNotFound) return true;
    // The worker may be cut off, and the master still hope for it; nothing is lost by waiting.
    if (output.status().code() == StatusCode::kUnavailable) return false;
    FANFOLD_RETURN_IF_ERROR(output.status());
    if (output->attempt != attempt || output->offset != followed.offset) continue;
    show(followed, *output);
    followed.offset += output->left_out + output->bytes.size();
    if (output->ended) return true;
    if (output->bytes.empty()) return false;
  }
}

void LogFollower::show(Followed& followed, const proto::Output& output) const {
  if (output.left_out > 0) {
    followed.begun += "[... " + std::to_string(output.left_out) + " bytes left out ...]\n";
  }
  followed.begun += output.bytes;
  // Lines of several attempts come one after the other, each with its name.
  std::size_t end = followed.begun.rfind('\n');
  if (end == std::string::npos) {
    if (followed.begun.size() < kLineBytes) return;
    // A progress bar, or no text at all: it must not grow for ever.
    end = followed.begun.size();
    followed.begun += '\n';
  }
  std::string lines;
  std::string_view rest = std::string_view(followed.begun).substr(0, end + 1);
  while (!rest.empty()) {
    const std::size_t length = rest.find('\n');
    if (target_.attempt_number == 0) lines += followed.name + " | ";
    lines += printable(rest.substr(0, length), false) + "\n";
    rest.remove_prefix(length + 1);
  }
  hooks_.print(lines);
  followed.begun.erase(0, end + 1);
}

void LogFollower::show_end(Followed& followed) const {
  if (!followed.begun.empty()) show(followed, {.attempt = {}, .bytes = "\n"});
  // How each of very many silent attempts ended is in the event log.
  if (followed.offset == 0 && followed.outcome == "committed") return;
  hooks_.print("== " + followed.name + " on " + printable(followed.worker, false) + ": " +
               followed.outcome + "\n");
}

Status LogFollower::run() {
  while (true) {
    FANFOLD_RETURN_IF_ERROR(check_same_master(client_, target_.job, hooks_.asking));
    FANFOLD_ASSIGN_OR_RETURN(const bool job_is_over, read_events());
    for (auto attempt = attempts_.begin(); attempt != attempts_.end();) {
      Followed& followed = attempt->second;
      bool all = false;
      if (followed.runs) {
        FANFOLD_ASSIGN_OR_RETURN(all, show_output({attempt->first}, followed));
      }
      // One that is being killed may write yet, but not for a job that is over.
      const bool done = followed.over && (all || job_is_over);
      if (done) show_end(followed);
      attempt = done ? attempts_.erase(attempt) : std::next(attempt);
    }
    if (job_is_over || !hooks_.wait()) return {};
  }
}

}  // namespace fanfold::cli
