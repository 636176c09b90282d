// A server that takes objects and uploads, and can lose its answers.

#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/core/mutex.hpp"
#include "common/s3/xml.hpp"
#include "tests/s3/scripted_server.hpp"

namespace fanfold::s3 {

class UploadServer {
 public:
  Reaction answer(const Heard& heard) {
    MutexLock lock(mutex_);
    const std::string key = heard.path.substr(heard.path.find('/', 1) + 1);
    const std::string id = heard.query.contains("uploadId") ? heard.query.at("uploadId") : "";
    if (heard.query.contains("uploads")) return begin(heard);
    if (heard.method == "PUT" && !id.empty()) {
      const std::string number = heard.query.at("partNumber");
      uploads_[id].parts[std::stoul(number)] = heard.body;
      return {http_answer(200, {{"ETag", "\"part-" + number + "\""}}, "")};
    }
    if (heard.method == "GET" && !id.empty()) {
      if (!uploads_.contains(id)) return {s3_error(404, "NoSuchUpload")};
      return {http_answer(200, {}, "<ListPartsResult/>")};
    }
    if (heard.method == "POST") return complete(heard, key, id);
    if (heard.method == "DELETE" && !id.empty()) {
      aborted_ += static_cast<int>(uploads_.erase(id));
      return {http_answer(204, {}, "")};
    }
    if (heard.method == "PUT") return put(heard, key);
    if (heard.method == "DELETE") {
      bucket_.objects.erase(key);
      return {http_answer(204, {}, "")};
    }
    if (heard.method == "HEAD" && bucket_.objects.contains(key)) {
      return {http_answer(200,
                          {{"x-amz-meta-fanfold-upload", tags_[key]},
                           {"ETag", FakeBucket::etag_of(bucket_.objects.at(key))},
                           {"Content-Length", std::to_string(bucket_.objects.at(key).size())}},
                          "")};
    }
    return bucket_.answer(heard);
  }

  bool has(const std::string& name) { return object(name) != "none"; }
  std::string object(const std::string& name) {
    MutexLock lock(mutex_);
    return bucket_.objects.contains(name) ? bucket_.objects.at(name) : "none";
  }
  std::vector<std::string> names() {
    MutexLock lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, contents] : bucket_.objects) names.push_back(name);
    return names;
  }
  void put(const std::string& name, const std::string& contents) {
    MutexLock lock(mutex_);
    bucket_.objects[name] = contents;
  }
  int aborted() {
    MutexLock lock(mutex_);
    return aborted_;
  }
  std::size_t open_uploads() {
    MutexLock lock(mutex_);
    return uploads_.size();
  }
  void forget_uploads() {
    MutexLock lock(mutex_);
    uploads_.clear();
  }
  /// The next completion is done, but its answer is lost.
  void lose_the_answer_to_completion() {
    MutexLock lock(mutex_);
    lose_completion_ = true;
  }
  /// The answer to the next object is lost.
  void lose_the_answer_to_put() {
    MutexLock lock(mutex_);
    lose_put_ = true;
  }
  /// Says no to all completions after so many.
  void allow_completions(int count) {
    MutexLock lock(mutex_);
    completions_ = count;
  }

 private:
  struct Begun {
    std::string tag;
    std::map<std::size_t, std::string> parts;
  };

  Reaction begin(const Heard& heard) {
    const std::string id = "an id/+" + std::to_string(++begun_);
    uploads_[id].tag = heard.headers.at("x-amz-meta-fanfold-upload");
    return {http_answer(200, {}, "<R><UploadId>" + id + "</UploadId></R>")};
  }

  Reaction complete(const Heard& heard, const std::string& key, const std::string& id) {
    if (completions_-- <= 0) return {s3_error(403, "AccessDenied")};
    const auto found = uploads_.find(id);
    if (found == uploads_.end()) return {s3_error(404, "NoSuchUpload")};
    std::string whole;
    for (const std::string_view part : elements(heard.body, "PartNumber")) {
      whole += found->second.parts[std::stoul(std::string(part))];
    }
    bucket_.objects[key] = whole;
    tags_[key] = found->second.tag;
    uploads_.erase(found);
    if (std::exchange(lose_completion_, false)) return {"", Reaction::End::kReset};
    return {http_answer(200, {}, "<CompleteMultipartUploadResult/>")};
  }

  Reaction put(const Heard& heard, const std::string& key) {
    if (heard.headers.contains("if-none-match") && bucket_.objects.contains(key)) {
      return {s3_error(412, "PreconditionFailed")};
    }
    bucket_.objects[key] = heard.body;
    tags_[key] = heard.headers.at("x-amz-meta-fanfold-upload");
    if (std::exchange(lose_put_, false)) return {"", Reaction::End::kReset};
    return {http_answer(200, {}, "")};
  }

  Mutex mutex_;
  FakeBucket bucket_;
  std::map<std::string, std::string> tags_;  // By key.
  std::map<std::string, Begun> uploads_;     // By id.
  int begun_ = 0;
  int aborted_ = 0;
  int completions_ = 1'000'000;
  bool lose_completion_ = false;
  bool lose_put_ = false;
};

}  // namespace fanfold::s3
