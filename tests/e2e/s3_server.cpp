#include "tests/e2e/s3_server.hpp"

#include <signal.h>

#include <fstream>
#include <utility>

#include "common/core/check.hpp"
#include "common/s3/listing.hpp"

namespace fanfold::e2e {
namespace {

constexpr const char* kAccessKey = "TESTACCESSKEY0000001";
constexpr const char* kSecretKey = "testsecretkeytestsecretkeytestsecretkey1";

}  // namespace

std::string S3Server::control(std::vector<std::string> words) const {
  CommandOptions options;
  options.program = FANFOLD_RGW;
  words.insert(words.begin() + 1, directory_);
  Outcome outcome = e2e::run(workspace_, std::move(words), options);
  FANFOLD_CHECK(outcome.exit_code == 0);
  while (outcome.out.ends_with('\n')) outcome.out.pop_back();
  return outcome.out;
}

S3Server::S3Server(Store store)
    : endpoint_(control({"start", store == Store::kDisk ? "bluestore" : "memstore"})) {
  settings_.endpoint = endpoint_;
  settings_.path_style = true;
  settings_.credentials = {kAccessKey, kSecretKey, "", "the test"};
  settings_.patience = std::chrono::seconds(60);
  client_ = *s3::Client::make(settings_);
}

S3Server::~S3Server() {
  client_.reset();
  control({"stop"});
}

CommandOptions S3Server::options(std::vector<std::pair<std::string, std::string>> more) const {
  CommandOptions options;
  options.environment = {{"AWS_ENDPOINT_URL", endpoint_},
                         {"AWS_ACCESS_KEY_ID", kAccessKey},
                         {"AWS_SECRET_ACCESS_KEY", kSecretKey},
                         {"AWS_REGION", "us-east-1"}};
  for (auto& variable : more) {
    std::erase_if(options.environment,
                  [&](const auto& usual) { return usual.first == variable.first; });
    options.environment.push_back(std::move(variable));
  }
  return options;
}

s3::Answer S3Server::perform(s3::Call call) {
  auto answer = client_->perform(std::move(call));
  FANFOLD_CHECK(answer.ok());
  return *std::move(answer);
}

std::string S3Server::make_bucket() {
  s3::Call call;
  call.method = "PUT";
  call.object.bucket = "bucket-" + std::to_string(++buckets_);
  FANFOLD_CHECK(perform(call).ok());
  return call.object.bucket;
}

void S3Server::put(const std::string& path, const std::string& contents) {
  s3::Call call;
  call.method = "PUT";
  call.object = *s3::parse_location(path);
  call.body = contents;
  FANFOLD_CHECK(perform(call).ok());
}

/// Of 64 MiB at most.
std::string S3Server::get(const std::string& path) {
  s3::Call call;
  call.object = *s3::parse_location(path);
  std::string contents(64u << 20, '\0');
  call.into = contents;
  const s3::Answer answer = perform(call);
  contents.resize(answer.taken);
  return answer.ok() ? contents : answer.error;
}

std::vector<std::string> S3Server::keys(const std::string& bucket) {
  const auto listing = s3::list_objects(*client_, bucket, {});
  FANFOLD_CHECK(listing.ok());
  std::vector<std::string> keys;
  for (const s3::ListedObject& object : listing->objects) keys.push_back(object.key);
  return keys;
}

pid_t S3Server::disk() const {
  std::ifstream file(directory_ + "/run/osd.0.pid");
  pid_t process = 0;
  file >> process;
  FANFOLD_CHECK(process > 1);
  return process;
}

void S3Server::signal_disk(int signal) const { FANFOLD_CHECK(::kill(disk(), signal) == 0); }
void S3Server::start_disk() const { control({"osd"}); }

}  // namespace fanfold::e2e
