// Where the S3 server is and who we are to it: from the variables and files that every S3 tool
// reads.  docs/deploy/s3.md explains them; docs/decisions/0009-* why nothing of it is in a job.

#pragma once

#include <optional>
#include <string>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/s3/given_credentials.hpp"

namespace fanfold::s3 {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // Of temporary credentials; may be empty.
  std::string source;         // For messages: "AWS_ACCESS_KEY_ID", "~/.aws/credentials [x]".
};

struct Settings {
  std::string endpoint;  // "http://host:port", without a slash at its end; empty: Amazon's.
  std::string region = "us-east-1";
  bool path_style = false;  // http://host/bucket/key instead of http://bucket.host/key.
  /// Whether parts of uploads are signed with what is in them; else TLS alone protects that.
  bool signs_parts = true;
  Credentials credentials;
  // Who gives credentials when there are none here; at most one of them.
  std::optional<WebIdentity> web_identity = {};
  std::optional<ContainerService> container = {};
  std::string metadata = {};  // Where Amazon EC2 says who this host is; may be empty.
  bool are_given() const { return web_identity || container || !metadata.empty(); }
  std::string no_credentials = {};                  // What to say when there are none there either.
  bool region_named = false;                        // Or it is the usual one.
  Duration silence_max = std::chrono::seconds(10);  // Of one try: no byte comes or goes.
  Duration patience = std::chrono::seconds(15);     // After it nothing is tried again.
};

/// kInvalidArgument: no credentials and nobody to ask for some, with where they were looked for;
/// half of some, or some of a kind that is not supported; a malformed endpoint or number. kIoError:
/// a file that is named cannot be read.
Result<Settings> read_settings(const Variables& variables);

/// The variables of this process.
std::optional<std::string> process_variable(const std::string& name);

/// Takes the secrets among the variables of this process out of them, for whoever shall not see
/// them: code that runs in it and programs that it starts.  process_variable() still knows them.
/// Call before there are other threads.
void hide_secret_variables();

}  // namespace fanfold::s3
