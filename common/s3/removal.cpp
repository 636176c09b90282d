#include "common/s3/removal.hpp"

#include <deque>
#include <memory>
#include <vector>

#include "common/s3/listing.hpp"
#include "common/s3/upload.hpp"

namespace fanfold::s3 {
namespace {

constexpr std::size_t kAtOnce = 16;
/// Somebody who is about to be stopped may put one more object there.
constexpr int kRounds = 3;

Call removal_of(const Location& object) {
  Call call;
  call.method = "DELETE";
  call.object = object;
  return call;
}

Status outcome_of(Client& client, const Call& call, const Result<Answer>& answer) {
  if (!answer.ok()) return answer.status();
  return answer->ok() || answer->status == 404 ? Status() : client.refusal(call, *answer);
}

/// Whatever else it holds than a record is removed as it is.
Status abort_recorded(Client& client, const Location& record) {
  Call call;
  call.object = record;
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  if (answer.status == 404) return {};
  if (!answer.ok()) return client.refusal(call, answer);
  const Result<UploadRecord> known = parse_upload_record(answer.body);
  if (!known.ok()) return {};
  return abort_upload(client, record.bucket, *known);
}

Status remove_all(Client& client, const std::string& bucket,
                  const std::vector<ListedObject>& objects) {
  struct Removal {
    Call call;
    std::unique_ptr<Client::Pending> pending;
  };
  std::deque<Removal> removals;
  const auto finish_oldest = [&]() -> Status {
    std::vector<Client::Pending*> others;
    for (std::size_t i = 1; i < removals.size(); ++i) others.push_back(removals[i].pending.get());
    const Result<Answer> answer = client.finish(*removals.front().pending, others);
    Status outcome = outcome_of(client, removals.front().call, answer);
    removals.pop_front();
    return outcome;
  };
  for (const ListedObject& object : objects) {
    const Location location{bucket, object.key};
    if (object.key.ends_with(kRecordSuffix)) {
      FANFOLD_RETURN_IF_ERROR(abort_recorded(client, location));
    }
    if (removals.size() == kAtOnce) FANFOLD_RETURN_IF_ERROR(finish_oldest());
    removals.push_back({removal_of(location), client.start(removal_of(location))});
  }
  while (!removals.empty()) FANFOLD_RETURN_IF_ERROR(finish_oldest());
  return {};
}

}  // namespace

Status remove_object(Client& client, const Location& object) {
  const Call call = removal_of(object);
  return outcome_of(client, call, client.perform(call));
}

Status remove_below(Client& client, const Location& directory) {
  ListOptions options;
  options.prefix = prefix_below(directory);
  for (int round = 0; round < kRounds; ++round) {
    FANFOLD_ASSIGN_OR_RETURN(const Listing below, list_objects(client, directory.bucket, options));
    if (below.objects.empty()) break;
    FANFOLD_RETURN_IF_ERROR(remove_all(client, directory.bucket, below.objects));
  }
  return {};
}

}  // namespace fanfold::s3
