#include "cli/client/event_stream.hpp"

namespace fanfold::cli {

Status read_events(Client& client, JobId job, const EventReader& reader) {
  proto::GetEvents question;
  question.job = job;
  for (;;) {
    FANFOLD_ASSIGN_OR_RETURN(const proto::Events part, client.ask<proto::Events>(question));
    // The answer to an earlier question that was repeated.
    if (part.job != job || part.offset != question.offset) continue;
    if (!part.bytes.empty()) FANFOLD_RETURN_IF_ERROR(reader.take(part.bytes));
    question.offset += part.bytes.size();
    if (part.ended) return {};
    if (part.bytes.empty() && (!reader.wait || !reader.wait())) return {};
  }
}

}  // namespace fanfold::cli
