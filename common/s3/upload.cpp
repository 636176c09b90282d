#include "common/s3/upload.hpp"

#include <sys/random.h>

#include <algorithm>
#include <charconv>

#include "common/core/check.hpp"
#include "common/s3/xml.hpp"

namespace fanfold::s3 {
namespace {

constexpr const char* kTagHeader = "x-amz-meta-fanfold-upload";
constexpr std::string_view kFirstLine = "fanfold-upload 1";
/// The limit of parts is 10,000: larger ones later keep half a terabyte within it.
constexpr std::size_t kPartsOfOneSize = 1000;
constexpr std::size_t kPartsMax = 10'000;

std::string new_tag() {
  unsigned char bytes[16];
  FANFOLD_CHECK(::getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
  std::string tag;
  for (const unsigned char byte : bytes) {
    tag += "0123456789abcdef"[byte >> 4];
    tag += "0123456789abcdef"[byte & 15];
  }
  return tag;
}

/// Whether the object is what `tag` was given to.
Result<bool> has_tag(Client& client, const Location& object, const std::string& tag) {
  Call call;
  call.method = "HEAD";
  call.object = object;
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  return answer.ok() && answer.header(kTagHeader) == tag;
}

/// What the answer to a call about the upload of `record` means.
Status judge(Client& client, const Call& call, const Answer& answer, const UploadRecord& record) {
  if (answer.ok()) return {};
  // An earlier try, ours or that of a master that died, may have made it an object.
  FANFOLD_ASSIGN_OR_RETURN(const bool done, has_tag(client, call.object, record.tag));
  if (done) return {};
  if (answer.error != "NoSuchUpload") return client.refusal(call, answer);
  return {StatusCode::kCorruption,
          "the upload of s3://" + call.object.bucket + "/" + call.object.key +
              " is gone: something aborted it, perhaps a lifecycle rule of the bucket; run the "
              "job again"};
}

}  // namespace

std::string to_text(const UploadRecord& record) {
  std::string text(kFirstLine);
  text += "\nkey " + encode(record.key) + "\nid " + encode(record.id) + "\ntag " + record.tag;
  text += "\nbytes " + std::to_string(record.bytes);
  for (const std::string& part : record.parts) text += "\npart " + encode(part);
  return text + (record.whole ? "\nwhole\n" : "\n");
}

Result<UploadRecord> parse_upload_record(const std::string& text) {
  const auto damaged = [] {
    return Status(StatusCode::kCorruption, "the record of an upload is damaged");
  };
  const auto decode = [](std::string_view word) {
    std::string plain;
    for (std::size_t i = 0; i < word.size(); ++i) {
      unsigned value = 0;
      if (word[i] == '%' && i + 2 < word.size() &&
          std::from_chars(word.data() + i + 1, word.data() + i + 3, value, 16).ec == std::errc()) {
        plain += static_cast<char>(value);
        i += 2;
      } else {
        plain += word[i];
      }
    }
    return plain;
  };
  UploadRecord record;
  bool first = true;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (std::exchange(first, false)) {
      if (line != kFirstLine) return damaged();
      continue;
    }
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view name = line.substr(0, space);
    const std::string_view value = line.substr(std::min(space + 1, line.size()));
    if (name == "key") record.key = decode(value);
    if (name == "id") record.id = decode(value);
    if (name == "tag") record.tag = value;
    if (name == "bytes") std::from_chars(value.data(), value.data() + value.size(), record.bytes);
    if (name == "part") record.parts.push_back(decode(value));
    if (name == "whole") record.whole = true;
  }
  if (record.key.empty() || record.id.empty()) return damaged();
  return record;
}

Status complete_upload(Client& client, const std::string& bucket, const UploadRecord& record) {
  std::string body = "<CompleteMultipartUpload>";
  for (std::size_t i = 0; i < record.parts.size(); ++i) {
    body += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" +
            escape_xml(record.parts[i]) + "</ETag></Part>";
  }
  body += "</CompleteMultipartUpload>";
  Call call;
  call.method = "POST";
  call.object = {bucket, record.key};
  call.query = {{"uploadId", record.id}};
  call.body = body;
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  return judge(client, call, answer, record);
}

Status check_upload(Client& client, const std::string& bucket, const UploadRecord& record) {
  Call call;
  call.object = {bucket, record.key};
  call.query = {{"max-parts", "1"}, {"uploadId", record.id}};
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  return judge(client, call, answer, record);
}

Status abort_upload(Client& client, const std::string& bucket, const UploadRecord& record) {
  Call call;
  call.method = "DELETE";
  call.object = {bucket, record.key};
  call.query = {{"uploadId", record.id}};
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  return answer.ok() || answer.status == 404 ? Status() : client.refusal(call, answer);
}

Status put_object(Client& client, const Location& object, std::string_view bytes, bool only_new) {
  const std::string tag = new_tag();
  Call call;
  call.method = "PUT";
  call.object = object;
  call.body = bytes;
  call.headers = {{kTagHeader, tag}};
  if (only_new) call.headers.emplace_back("if-none-match", "*");
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client.perform(call));
  if (answer.ok()) return {};
  if (answer.status != 412) return client.refusal(call, answer);
  // The answer to a first try may have been lost.
  FANFOLD_ASSIGN_OR_RETURN(const bool ours, has_tag(client, object, tag));
  if (ours) return {};
  return {StatusCode::kAlreadyExists,
          "cannot create s3://" + object.bucket + "/" + object.key + ": it exists"};
}

Upload::Upload(ClientPool::Lease client, Location target)
    : client_(std::move(client)), target_(std::move(target)) {
  record_.key = target_.key;
  record_.tag = new_tag();
}

Status Upload::begin() {
  Call call;
  call.method = "POST";
  call.object = target_;
  call.query = {{"uploads", ""}};
  call.headers = {{kTagHeader, record_.tag}};
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client_->perform(call));
  if (!answer.ok()) return client_->refusal(call, answer);
  record_.id = text_of(answer.body, "UploadId").value_or("");
  if (!record_.id.empty()) return {};
  return {StatusCode::kIoError, "the S3 server began an upload of s3://" + target_.bucket + "/" +
                                    target_.key + " and did not say its id"};
}

std::size_t Upload::part_bytes() const {
  return kPartBytes * (1 + record_.parts.size() / kPartsOfOneSize);
}

Status Upload::append(std::string_view bytes) {
  record_.bytes += bytes.size();
  while (!bytes.empty()) {
    // A full part waits until more comes: the last one is sent by finish().
    if (filling_.size() == part_bytes()) FANFOLD_RETURN_IF_ERROR(send_part());
    const std::size_t count = std::min(bytes.size(), part_bytes() - filling_.size());
    filling_.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
  }
  std::vector<Client::Pending*> pending;
  for (const auto& part : sent_) pending.push_back(part->pending.get());
  if (!pending.empty()) client_->move_on(pending);
  return {};
}

Status Upload::send_part() {
  if (!begun()) FANFOLD_RETURN_IF_ERROR(begin());
  if (record_.parts.size() == kPartsMax) {
    return {StatusCode::kInvalidArgument, "s3://" + target_.bucket + "/" + target_.key +
                                              " would be too large for one object: use more "
                                              "reducers (-r)"};
  }
  while (sent_.size() >= kPartsOnTheirWay) FANFOLD_RETURN_IF_ERROR(take_oldest());
  if (spare_.empty()) spare_.push_back(std::make_unique<Part>());
  std::unique_ptr<Part> part = std::move(spare_.back());
  spare_.pop_back();
  part->bytes.swap(filling_);
  filling_.clear();
  part->number = record_.parts.size();
  record_.parts.emplace_back();
  Call call;
  call.method = "PUT";
  call.object = target_;
  call.query = {{"partNumber", std::to_string(part->number + 1)}, {"uploadId", record_.id}};
  call.body = part->bytes;
  call.is_part = true;
  part->pending = client_->start(std::move(call));
  sent_.push_back(std::move(part));
  return {};
}

Status Upload::take_oldest() {
  std::vector<Client::Pending*> others;
  for (std::size_t i = 1; i < sent_.size(); ++i) others.push_back(sent_[i]->pending.get());
  Part& part = *sent_.front();
  FANFOLD_ASSIGN_OR_RETURN(const Answer answer, client_->finish(*part.pending, others));
  if (!answer.ok()) {
    Call call;
    call.method = "PUT";
    call.object = target_;
    return client_->refusal(call, answer);
  }
  record_.parts[part.number] = answer.header("etag");
  part.pending.reset();
  spare_.push_back(std::move(sent_.front()));
  sent_.pop_front();
  return {};
}

Status Upload::finish() {
  // An upload has one part at least.
  if (!filling_.empty() || record_.parts.empty()) FANFOLD_RETURN_IF_ERROR(send_part());
  while (!sent_.empty()) FANFOLD_RETURN_IF_ERROR(take_oldest());
  record_.whole = true;
  return {};
}

}  // namespace fanfold::s3
