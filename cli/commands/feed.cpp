// `feed`: more records for a job that is open for them.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/line_batches.hpp"
#include "cli/job/job_spec.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/process/interrupts.hpp"
#include "cli/view/names.hpp"
#include "common/core/clock.hpp"
#include "common/core/limits.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

/// Between two questions whether there is room.
constexpr Duration kWaitFirst = 50ms;
constexpr Duration kWaitMost = 1s;
/// Whether there is room is asked by a question of a few bytes; the batch is sent again when the
/// queue has become shorter, and at the latest after so long.
constexpr Duration kSendAgain = 10s;
/// What is answered sooner was sent once.
constexpr Duration kOneCopy = limits::kHeartbeatInterval / 2;

Status interrupted() { return {StatusCode::kAborted, "interrupted"}; }

std::uint64_t records_of(std::string_view bytes) {
  const auto lines = static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  return lines + (bytes.empty() || bytes.back() == '\n' ? 0 : 1);
}

/// Standard input, until an interrupt.
class Input {
 public:
  explicit Input(Interrupts& interrupts) : interrupts_(interrupts) {}

  /// Some bytes; empty: the end, nullopt: none came for so long.
  Result<std::optional<std::string_view>> read(std::optional<Duration> longest) {
    FANFOLD_ASSIGN_OR_RETURN(const bool some, wait(longest));
    if (!some) return std::optional<std::string_view>();
    for (;;) {
      const ssize_t got = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
      if (got >= 0) {
        return std::optional<std::string_view>(
            std::string_view(buffer_.data(), static_cast<std::size_t>(got)));
      }
      if (errno == EINTR) continue;
      return Status(StatusCode::kIoError,
                    std::string("cannot read standard input: ") + std::strerror(errno));
    }
  }

 private:
  Result<bool> wait(std::optional<Duration> longest) {
    for (;;) {
      std::array<pollfd, 2> waits = {
          {{STDIN_FILENO, POLLIN, 0}, {interrupts_.descriptor(), POLLIN, 0}}};
      const int ready = ::poll(waits.data(), waits.size(), milliseconds(longest));
      if (ready < 0 && errno != EINTR) {
        return Status(StatusCode::kIoError,
                      std::string("cannot wait for standard input: ") + std::strerror(errno));
      }
      interrupts_.drain();
      if (interrupts_.count() > 0) return interrupted();
      if (ready == 0) return false;
      if (ready > 0 && waits[0].revents != 0) return true;
    }
  }

  static int milliseconds(std::optional<Duration> longest) {
    if (!longest) return -1;
    const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(*longest).count();
    return static_cast<int>(std::max<std::int64_t>(rounded, 0));
  }

  Interrupts& interrupts_;
  std::array<char, 64u << 10> buffer_{};
};

/// What became of the records of standard input.
struct Fed {
  std::uint64_t records = 0;  // That the job has, from this command.
  std::uint64_t batches = 0;
  std::uint64_t uncertain = 0;    // That were sent and not answered.
  std::uint64_t passed_over = 0;  // Bytes that the job had before.
};

class Feeder {
 public:
  Feeder(Client& client, Interrupts& interrupts, JobId job, std::string name)
      : client_(client),
        interrupts_(interrupts),
        input_(interrupts),
        job_(job),
        name_(std::move(name)) {}

  /// An earlier command of this name may have fed a part: that is passed over.
  Status go_on() {
    proto::Feed question;
    FANFOLD_ASSIGN_OR_RETURN(const proto::FeedReply reply, ask(&question));
    offset_ = fed_.passed_over = reply.taken;
    std::uint64_t left = reply.taken;
    char last = '\n';
    bool follows = false;
    while (left > 0 || (last != '\n' && !follows)) {
      FANFOLD_ASSIGN_OR_RETURN(const auto bytes, input_.read(std::nullopt));
      if (bytes->empty() && left == 0) break;
      if (bytes->empty()) {
        return {StatusCode::kInvalidArgument,
                "the job has " + std::to_string(reply.taken) + " bytes of feeder '" + name_ +
                    "', and standard input has " + std::to_string(reply.taken - left) +
                    ": it is not the one of before"};
      }
      const std::uint64_t some = std::min<std::uint64_t>(left, bytes->size());
      left -= some;
      if (some > 0) last = (*bytes)[some - 1];
      follows = bytes->size() > some;
      lines_.add(bytes->substr(some), steady_clock().now());
    }
    if (last == '\n' || !follows) {
      if (last != '\n') lines_.end();
      return {};
    }
    return {StatusCode::kInvalidArgument,
            "the job has " + std::to_string(reply.taken) + " bytes of feeder '" + name_ +
                "', which end in the middle of a line of this input: what comes behind would be "
                "a record of its own"};
  }

  Status feed() {
    for (;;) {
      FANFOLD_ASSIGN_OR_RETURN(const std::string bytes, next());
      if (bytes.empty()) return {};
      FANFOLD_RETURN_IF_ERROR(send(bytes));
    }
  }

  Status close() {
    proto::Feed message;
    message.close = true;
    return ask(&message).status();
  }

  const Fed& fed() const { return fed_; }
  const std::string& name() const { return name_; }

 private:
  /// The next batch; empty: the end.
  Result<std::string> next() {
    for (;;) {
      const Instant now = steady_clock().now();
      FANFOLD_ASSIGN_OR_RETURN(std::optional<std::string> batch, lines_.take(now));
      if (batch) return *std::move(batch);
      if (lines_.done()) return std::string();
      std::optional<Duration> longest;
      if (const auto due = lines_.due()) longest = *due - now;
      FANFOLD_ASSIGN_OR_RETURN(const auto bytes, input_.read(longest));
      if (!bytes) continue;
      if (bytes->empty()) {
        lines_.end();
      } else {
        lines_.add(*bytes, steady_clock().now());
      }
    }
  }

  Status send(const std::string& bytes) {
    proto::Feed message;
    message.offset = offset_;
    message.bytes = bytes;
    const std::uint64_t records = records_of(bytes);
    FANFOLD_RETURN_IF_ERROR(ask(&message).status());
    offset_ += bytes.size();
    fed_.records += records;
    ++fed_.batches;
    return {};
  }

  /// Until the master has answered for good: while there is no room, again and again.
  Result<proto::FeedReply> ask(proto::Feed* message) {
    message->job = job_;
    message->feeder = name_;
    const std::uint64_t records = records_of(message->bytes);
    // An answer that was slow may be the second one: of the first copy nobody knows what became.
    bool doubtful = false;
    for (Duration pause = kWaitFirst;; pause = std::min(2 * pause, kWaitMost)) {
      fed_.uncertain = records;
      message->state_id = client_.state_id();
      const Instant sent = steady_clock().now();
      FANFOLD_ASSIGN_OR_RETURN(const proto::FeedReply reply, answer_to(*message));
      doubtful = doubtful || steady_clock().now() - sent >= kOneCopy;
      if (!doubtful || reply.code == static_cast<std::uint8_t>(StatusCode::kOk)) {
        fed_.uncertain = 0;
      }
      const Status status(static_cast<StatusCode>(reply.code), reply.message);
      if (status.ok()) return reply;
      if (status.code() != StatusCode::kExhausted) return status;
      if (!std::exchange(told_, true)) {
        print_error("fanfold: there is no room yet: " + status.message() + "\n");
      }
      FANFOLD_RETURN_IF_ERROR(message->bytes.empty() ? wait(pause) : wait_for_room(pause));
    }
  }

  /// Until it is worth while to send the batch once more.
  Status wait_for_room(Duration pause) {
    const Instant sent = steady_clock().now();
    FANFOLD_RETURN_IF_ERROR(wait(pause));
    // What is full for a moment is not worth a question.
    if (pause == kWaitFirst) return {};
    FANFOLD_ASSIGN_OR_RETURN(proto::QueueStatus before, queue());
    while (steady_clock().now() - sent < kSendAgain) {
      FANFOLD_RETURN_IF_ERROR(wait(kWaitMost / 4));
      FANFOLD_ASSIGN_OR_RETURN(const proto::QueueStatus now, queue());
      if (!now.open || now.waiting == 0) return {};
      if (now.waiting < before.waiting || now.bytes_waiting < before.bytes_waiting) return {};
      before = now;
    }
    return {};
  }

  Result<proto::QueueStatus> queue() {
    proto::GetJob question;
    question.job = job_;
    FANFOLD_ASSIGN_OR_RETURN(const auto reply, client_.ask<proto::JobReply>(question, hooks()));
    return reply.status.queue;
  }

  FollowHooks hooks() {
    FollowHooks hooks;
    hooks.on_wake = [this] {
      interrupts_.drain();
      return interrupts_.count() > 0 ? Attention::kAbandon : Attention::kNone;
    };
    hooks.on_silence = [this] {
      print_error("fanfold: the master at " + client_.address() +
                  " does not answer; waiting up to 60 s for it to come back\n");
    };
    return hooks;
  }

  Result<proto::FeedReply> answer_to(const proto::Feed& message) {
    for (;;) {
      FANFOLD_ASSIGN_OR_RETURN(const auto reply, client_.ask<proto::FeedReply>(message, hooks()));
      // Another one answers what was sent before, and twice.
      if (reply.offset == message.offset && reply.size == message.bytes.size() &&
          reply.close == message.close) {
        return reply;
      }
    }
  }

  /// The job has as much as it may have, and so has its producer to wait.
  Status wait(Duration pause) {
    pollfd waits = {interrupts_.descriptor(), POLLIN, 0};
    ::poll(&waits, 1,
           static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(pause).count()));
    interrupts_.drain();
    return interrupts_.count() > 0 ? interrupted() : Status();
  }

  Client& client_;
  Interrupts& interrupts_;
  Input input_;
  LineBatches lines_;
  const JobId job_;
  const std::string name_;
  std::uint64_t offset_ = 0;  // Bytes that the job has of this feeder.
  bool told_ = false;         // That it has to wait.
  Fed fed_;
};

/// What is certain, what is not, and what to do about it.
int report_failure(const Feeder& feeder, JobId job, const Status& status) {
  const Fed& fed = feeder.fed();
  std::string text = status.message() + "\njob " + std::to_string(job.value) + " has got " +
                     plural(fed.records, "record") + " of standard input";
  if (fed.uncertain > 0) {
    text += "; of " + plural(fed.uncertain, "more record") + " it is not known whether it has them";
  }
  text += ".\n'fanfold feed " + std::to_string(job.value) + " --feeder " + feeder.name() +
          "' with the same input goes on behind what the job has.";
  const int code = report({status.code(), std::move(text)});
  return status.code() == StatusCode::kAborted ? kExitInterrupted : code;
}

void print_success(const Feeder& feeder, JobId job, const Arguments& arguments) {
  const Fed& fed = feeder.fed();
  const bool closed = arguments.has("close");
  if (arguments.has("json")) {
    print("{\"job\": " + std::to_string(job.value) + ", \"records\": " +
          std::to_string(fed.records) + ", \"batches\": " + std::to_string(fed.batches) +
          ", \"bytes_passed_over\": " + std::to_string(fed.passed_over) +
          ", \"closed\": " + (closed ? "true" : "false") + "}\n");
    return;
  }
  print("job " + std::to_string(job.value) + " has got " + plural(fed.records, "record") +
        (closed ? ", and is closed" : "") + "\n");
}

Result<std::string> feeder_name(const Arguments& arguments) {
  const std::string name = arguments.value("feeder").value_or(make_client_id());
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (plain && !name.empty() && name.size() <= limits::kNameBytes) return name;
  return Status(StatusCode::kInvalidArgument,
                "--feeder: a name has letters, digits, '-', '_' and '.', at most " +
                    std::to_string(limits::kNameBytes));
}

int feed_main(const Environment& environment, const Arguments& arguments) {
  const Result<JobId> job = parse_job(arguments.positionals().front());
  if (!job.ok()) return report(job.status());
  const Result<std::string> name = feeder_name(arguments);
  if (!name.ok()) return report(name.status());
  const Result<MasterPlace> place = find_master(environment, arguments);
  if (!place.ok()) return report(place.status());
  Interrupts interrupts;
  const auto client = connect_interruptibly(*place, interrupts);
  if (!client.ok()) return report(client.status());
  Feeder feeder(**client, interrupts, *job, *name);
  // Nobody types records to end a job.
  const bool only_close = arguments.has("close") && ::isatty(STDIN_FILENO) == 1;
  Status status;
  if (!only_close && arguments.has("feeder")) status = feeder.go_on();
  if (status.ok() && !only_close) status = feeder.feed();
  if (status.ok() && arguments.has("close")) status = feeder.close();
  if (!status.ok()) return report_failure(feeder, *job, status);
  print_success(feeder, *job, arguments);
  return kExitDone;
}

}  // namespace

Command feed_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "feed";
  syntax.positionals = "JOB_ID";
  syntax.summary = "Gives an open job (submit --open) the lines of standard input to map.";
  syntax.description =
      "What was fed is durable when this returns: the master may be killed then.  When the job "
      "has\n"
      "a full queue this waits, and so does who writes to its standard input.  Several may feed a\n"
      "job at a time (docs/patterns/queues.md).";
  syntax.flags = {{"close", '\0', "", "Then tell the job that there will be no more.", false},
                  {"feeder", '\0', "NAME",
                   "Go on where an earlier feed of this name ended: with the same input, what the "
                   "job has is passed over.",
                   false},
                  master_flag(),
                  key_flag(),
                  json_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = feed_main;
  return command;
}

}  // namespace fanfold::cli
