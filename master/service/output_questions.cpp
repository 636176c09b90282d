#include "master/service/output_questions.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "common/core/limits.hpp"

namespace fanfold::master {
namespace {

std::vector<OutputQuestion> take_if(std::deque<OutputQuestion>* questions,
                                    const std::function<bool(const OutputQuestion&)>& wanted) {
  std::vector<OutputQuestion> taken;
  std::copy_if(questions->begin(), questions->end(), std::back_inserter(taken), wanted);
  std::erase_if(*questions, wanted);
  return taken;
}

}  // namespace

void OutputQuestions::add(OutputQuestion question) {
  // One that asks again has not heard the answer.
  std::erase_if(questions_, [&](const OutputQuestion& one) {
    return one.peer == question.peer && one.attempt == question.attempt;
  });
  questions_.push_back(std::move(question));
  if (questions_.size() > most_) questions_.pop_front();
}

std::vector<OutputQuestion> OutputQuestions::take(AttemptId attempt, std::uint64_t offset) {
  return take_if(&questions_, [&](const OutputQuestion& one) {
    return one.attempt == attempt && one.offset == offset;
  });
}

std::vector<OutputQuestion> OutputQuestions::take_all(AttemptId attempt) {
  return take_if(&questions_, [&](const OutputQuestion& one) { return one.attempt == attempt; });
}

proto::Output output_of(const proto::LogEntry& entry, std::uint64_t offset) {
  proto::Output output;
  output.attempt = entry.attempt;
  output.offset = offset;
  // The text is the end of what was written.
  const std::uint64_t begins =
      entry.bytes - std::min<std::uint64_t>(entry.bytes, entry.text.size());
  if (offset < begins) output.left_out = begins - offset;
  const std::uint64_t skipped = std::max(offset, begins) - begins;
  if (skipped < entry.text.size()) {
    output.bytes = entry.text.substr(skipped, limits::kOutputPartBytes);
  }
  output.ended = offset + output.left_out + output.bytes.size() >= entry.bytes;
  return output;
}

}  // namespace fanfold::master
