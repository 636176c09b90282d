#include "master/service/host_desk.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/core/limits.hpp"
#include "common/inputs/glob.hpp"
#include "common/inputs/host_input.hpp"
#include "master/service/host_answers.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

/// A question, or its answer, that was lost is asked again; each time after twice as long.
constexpr Duration kAskAgain = 1s;
/// Longer than walking through the logs of a host takes; somebody waits for this.
constexpr Duration kPatience = 60s;
constexpr std::size_t kMachinesNoted = 5;
/// Questions have to fit into a frame.
constexpr std::size_t kWantedBytes = 1u << 20;
/// Of all hosts together: they wait in the memory of the master until they are sent.
constexpr std::size_t kAskedBytes = 16u << 20;
/// What a text takes in a message beside itself.
constexpr std::size_t kListedBytes = 4;

/// Of a request, which has the epoch of its master above them, as attempts have.
constexpr std::uint64_t kJobBits = (std::uint64_t{1} << 40) - 1;

Status refused(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

}  // namespace

Status HostDesk::check_size(const std::vector<std::string>& wanted) {
  std::size_t bytes = 0;
  for (const std::string& input : wanted) bytes += input.size() + kListedBytes;
  if (bytes <= kWantedBytes) return {};
  return {StatusCode::kExhausted,
          "the inputs that lie on hosts have names of more than 1 MiB: name fewer, with patterns "
          "or directories"};
}

void HostDesk::begin(JobId job, const std::vector<std::string>& wanted, std::uint64_t look_above) {
  Listing listing;
  listing.begun = state_.now;
  listing.look_above = look_above;
  listing.failed = check_size(wanted);
  for (const std::string& input : wanted) {
    const inputs::HostInput parts = inputs::split_host_input(input);
    listing.wanted.push_back({input, std::string(parts.host), std::string(parts.path)});
  }
  listings_.emplace(job, std::move(listing));
}

void HostDesk::take(proto::HostFilesListed answer) {
  // Of an earlier master, perhaps, whose jobs had the same numbers.
  const AttemptId request{answer.request};
  const auto found = listings_.find(JobId{answer.request & kJobBits});
  if (found == listings_.end() || epoch_of(request) != state_.settings.epoch) return;
  for (auto& [host, question] : found->second.hosts) {
    if (question.worker != answer.worker || question.answer) continue;
    Listing& listing = found->second;
    Status checked = check_answer(host, question.wanted.size(), answer);
    if (checked.ok()) checked = listing.size.add(host, answer);
    if (!checked.ok()) listing.failed = std::move(checked);
    question.answer = std::move(answer);
    return;
  }
}

std::vector<HostDesk::Finished> HostDesk::advance() {
  std::vector<Finished> finished;
  auto next = listings_.begin();
  for (std::size_t i = 0; next != listings_.end() && i < limits::kHostListings; ++i) {
    std::optional<Result<HostListing>> outcome = advance(next->first, next->second);
    if (!outcome) {
      ++next;
      continue;
    }
    finished.push_back({next->first, *std::move(outcome)});
    next = listings_.erase(next);
    // Whoever waited has its turn now.
    --i;
  }
  return finished;
}

std::optional<Instant> HostDesk::next_due() const {
  std::optional<Instant> due;
  const auto consider = [&due](Instant when) {
    if (!due || when < *due) due = when;
  };
  std::size_t i = 0;
  for (auto next = listings_.begin(); next != listings_.end() && i < limits::kHostListings;
       ++next, ++i) {
    const Listing& listing = next->second;
    consider(listing.hosts.empty() && is_settled() ? state_.now : listing.begun + kPatience);
    for (const auto& [host, question] : listing.hosts) {
      if (!question.answer) consider(question.again);
    }
  }
  return due;
}

std::optional<Result<HostListing>> HostDesk::advance(JobId job, Listing& listing) {
  if (state_.stopping) return Status(StatusCode::kUnavailable, "the cluster was stopped");
  if (!listing.failed.ok()) return listing.failed;
  const Hosts known = known_hosts();
  const bool late = state_.now >= listing.begun + kPatience;
  if (listing.hosts.empty()) {
    if (!late && !is_settled()) return std::nullopt;
    const Status chosen = choose_hosts(known, listing);
    if (!chosen.ok()) return chosen;
  }
  std::string missing;
  for (auto& [host, question] : listing.hosts) {
    if (question.answer) continue;
    missing += (missing.empty() ? "" : ", ") + host;
    const Status asked = ask(job, known, host, listing, question);
    if (!asked.ok()) return asked;
  }
  if (!missing.empty() && !late) return std::nullopt;
  if (!missing.empty()) {
    return Status(StatusCode::kUnavailable,
                  "these hosts have not listed their files within 60 s: " + missing +
                      "; narrow the pattern, or see the logs of their workers");
  }
  HostAnswers answers;
  answers.notes = std::move(listing.notes);
  for (const Wanted& wanted : listing.wanted) {
    answers.inputs.push_back({wanted.input, wanted.host});
  }
  for (auto& [host, question] : listing.hosts) {
    answers.hosts.push_back({host, std::move(question.wanted), *std::move(question.answer)});
  }
  return gather_answers(std::move(answers));
}

HostDesk::Hosts HostDesk::known_hosts() const {
  Hosts hosts;
  for (const auto& [id, worker] : state_.workers.all()) {
    if (worker.hello.host_inputs) hosts[worker.hello.host].push_back(&worker);
  }
  return hosts;
}

bool HostDesk::is_settled() const {
  // The only job of a private cluster is often there before its workers; those of a master that was
  // restarted come back.
  return !state_.workers.all().empty() && !state_.workers.expects_some();
}

Status HostDesk::choose_hosts(const Hosts& known, Listing& listing) const {
  std::map<std::string, Question> chosen;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < listing.wanted.size(); ++i) {
    const Wanted& wanted = listing.wanted[i];
    bool any = false;
    for (const auto& [host, workers] : known) {
      if (!inputs::matches(wanted.host, host)) continue;
      any = true;
      chosen[host].wanted.push_back(i);
      bytes += wanted.path.size() + kListedBytes;
    }
    if (bytes > kAskedBytes) {
      return {StatusCode::kExhausted,
              "to ask all hosts for these inputs takes more than " +
                  std::to_string(kAskedBytes >> 20) +
                  " MiB: name fewer for all hosts, with patterns or directories"};
    }
    if (!any) return refuse_host(wanted, known);
  }
  listing.hosts = std::move(chosen);
  // Whose files are read by both names, then.
  std::map<std::string_view, std::string> machines;
  for (const auto& [host, question] : listing.hosts) {
    const std::string_view machine = machine_of(known.at(host).front()->hello.host_id);
    const auto [other, fresh] = machines.emplace(machine, host);
    if (fresh || listing.notes.size() == kMachinesNoted) continue;
    listing.notes.push_back(other->second + " and " + host + " are names of one machine");
  }
  return {};
}

Status HostDesk::refuse_host(const Wanted& wanted, const Hosts& known) const {
  constexpr std::size_t kNamed = 20;
  if (state_.workers.all().empty()) {
    return Status(StatusCode::kUnavailable,
                  "input " + wanted.input + " lies on hosts, and no worker has come within 60 s");
  }
  std::string message = "input " + wanted.input + ": no worker is known of a host '" + wanted.host +
                        "' whose files may be read";
  for (const auto& [id, worker] : state_.workers.all()) {
    if (worker.hello.host_inputs || !inputs::matches(wanted.host, worker.hello.host)) continue;
    return refused(message + "; worker " + worker.hello.name + " of host " + worker.hello.host +
                   " was started without --host-input DIR");
  }
  if (known.empty()) {
    return refused(message + ", nor of any other: start workers with --host-input DIR");
  }
  std::string names;
  std::size_t named = 0;
  for (const auto& [host, workers] : known) {
    if (named++ == kNamed) break;
    names += (names.empty() ? "" : ", ") + host;
  }
  if (known.size() > kNamed) names += " and " + std::to_string(known.size() - kNamed) + " more";
  return refused(message + "; there are: " + names);
}

Status HostDesk::ask(JobId job, const Hosts& known, const std::string& host, const Listing& listing,
                     Question& question) {
  const auto workers = known.find(host);
  if (workers == known.end()) {
    return Status(StatusCode::kUnavailable, "the worker of host " + host +
                                                " went away before it had listed the host's files; "
                                                "submit again");
  }
  const KnownWorker* asked = state_.workers.find(question.worker);
  const bool there = asked != nullptr && asked->hello.host == host;
  if (there && state_.now < question.again) return {};
  if (!there) {
    asked = workers->second.front();
    question.patience = kAskAgain;
  }
  question.worker = asked->worker;
  question.again = state_.now + question.patience;
  question.patience *= 2;
  proto::ListHostFiles message;
  message.request = attempt_id(state_.settings.epoch, job.value & kJobBits).value;
  message.look_above = listing.look_above;
  for (const std::size_t wanted : question.wanted) {
    message.patterns.push_back(listing.wanted[wanted].path);
  }
  state_.outbox.add(asked->peer, message);
  return {};
}

}  // namespace fanfold::master
