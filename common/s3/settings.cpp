#include "common/s3/settings.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

namespace fanfold::s3 {
namespace {

/// Sections of an INI file.  Lines that are indented belong to the key before them, as in
/// "s3 =\n  addressing_style = path"; they become "s3.addressing_style".
using Section = std::map<std::string, std::string>;
using Profiles = std::map<std::string, Section>;

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Lines that mean nothing are passed over: other tools put theirs into the same files.
Profiles parse_profiles(std::istream& file) {
  Profiles profiles;
  Section* section = nullptr;
  std::string parent;
  std::string line;
  while (std::getline(file, line)) {
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') continue;
    if (text.front() == '[') {
      std::string_view name = trimmed(text.substr(1, text.find(']') - 1));
      if (name.starts_with("profile ")) name = trimmed(name.substr(8));
      section = &profiles[std::string(name)];
      continue;
    }
    const std::size_t equals = text.find('=');
    if (section == nullptr || equals == text.npos) continue;
    const std::string key(trimmed(text.substr(0, equals)));
    const std::string value(trimmed(text.substr(equals + 1)));
    if (!indented) parent = key;
    (*section)[indented ? parent + "." + key : key] = value;
  }
  return profiles;
}

constexpr const char* kInstead =
    "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or unset it to use the role of this host";

class Reader {
 public:
  explicit Reader(const Variables& variables) : variables_(variables) {}

  Result<Settings> read() {
    profile_ = variable("AWS_PROFILE").value_or("default");
    const std::string home = variable("HOME").value_or("/") + "/.aws/";
    FANFOLD_RETURN_IF_ERROR(
        read_file("AWS_SHARED_CREDENTIALS_FILE", home + "credentials", &credentials_));
    FANFOLD_RETURN_IF_ERROR(read_file("AWS_CONFIG_FILE", home + "config", &config_));
    FANFOLD_RETURN_IF_ERROR(read_credentials());
    FANFOLD_RETURN_IF_ERROR(read_place());
    if (settings_.web_identity) FANFOLD_RETURN_IF_ERROR(read_token_service());
    FANFOLD_RETURN_IF_ERROR(read_seconds("FANFOLD_S3_SILENCE", &settings_.silence_max));
    FANFOLD_RETURN_IF_ERROR(read_seconds("FANFOLD_S3_PATIENCE", &settings_.patience));
    return std::move(settings_);
  }

 private:
  struct File {
    std::string path;
    Section section;
  };

  /// One that is set to nothing is not set.
  std::optional<std::string> variable(const std::string& name) const {
    std::optional<std::string> value = variables_(name);
    return value && !value->empty() ? value : std::nullopt;
  }

  static Status refused(const std::string& message) {
    return {StatusCode::kInvalidArgument, "S3: " + message};
  }

  /// That the usual file is not there is usual.
  Status read_file(const std::string& name, const std::string& usual, File* file) {
    const std::optional<std::string> named = variable(name);
    file->path = named.value_or(usual);
    std::ifstream stream(file->path);
    if (!stream.is_open()) {
      if (!named) return {};
      return {StatusCode::kIoError,
              "S3: cannot read " + *named + ", which " + name + " names: " + std::strerror(errno)};
    }
    Profiles profiles = parse_profiles(stream);
    file->section = profiles[profile_];
    return {};
  }

  std::optional<std::string> first_of(const std::vector<std::string>& names,
                                      const std::string& key) const {
    for (const std::string& name : names) {
      if (auto value = variable(name)) return value;
    }
    for (const File* file : {&config_, &credentials_}) {
      const auto found = file->section.find(key);
      if (found != file->section.end() && !found->second.empty()) return found->second;
    }
    return std::nullopt;
  }

  Status read_credentials() {
    Credentials& credentials = settings_.credentials;
    const auto access_key = variable("AWS_ACCESS_KEY_ID");
    const auto secret_key = variable("AWS_SECRET_ACCESS_KEY");
    if (access_key.has_value() != secret_key.has_value()) {
      return refused(access_key ? "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"
                                : "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not");
    }
    if (access_key && secret_key) {
      credentials = {*access_key, *secret_key, variable("AWS_SESSION_TOKEN").value_or(""),
                     "AWS_ACCESS_KEY_ID"};
      return {};
    }
    FANFOLD_ASSIGN_OR_RETURN(auto identity, read_web_identity(variables_));
    if (identity) {
      take(*std::move(identity), "AWS_ROLE_ARN");
      return {};
    }
    for (const File* file : {&credentials_, &config_}) {
      if (take_web_identity_of(*file)) return {};
      const auto value = [file](const char* key) {
        const auto found = file->section.find(key);
        return found == file->section.end() ? "" : found->second;
      };
      const bool has_key = !value("aws_access_key_id").empty();
      if (has_key != !value("aws_secret_access_key").empty()) {
        return refused(file->path + " [" + profile_ + "] has only one of aws_access_key_id and " +
                       "aws_secret_access_key");
      }
      if (!has_key) continue;
      credentials = {value("aws_access_key_id"), value("aws_secret_access_key"),
                     value("aws_session_token"), file->path + " [" + profile_ + "]"};
      return {};
    }
    const std::string none =
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them "
        "to " +
        credentials_.path + " (profile '" + profile_ +
        "'), on every host that shall read or write s3:// paths";
    FANFOLD_RETURN_IF_ERROR(refuse_what_was_meant());
    FANFOLD_ASSIGN_OR_RETURN(settings_.container, read_container_service(variables_));
    if (!settings_.container) return read_metadata(none);
    settings_.no_credentials =
        "S3: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI is set, "
        "but no credentials are given there";
    return {};
  }

  void take(WebIdentity identity, const std::string& source) {
    settings_.no_credentials = "S3: the role " + identity.role + " of " + source +
                               " is not given to the token in " + identity.token_file;
    settings_.web_identity = std::move(identity);
  }

  /// False: this profile has none.
  bool take_web_identity_of(const File& file) {
    const auto value = [&file](const char* key) {
      const auto found = file.section.find(key);
      return found == file.section.end() ? "" : found->second;
    };
    if (value("role_arn").empty() || value("web_identity_token_file").empty()) return false;
    const std::string session = value("role_session_name");
    take({value("role_arn"), value("web_identity_token_file"),
          session_name(session.empty() ? std::nullopt : std::optional(session))},
         file.path + " [" + profile_ + "]");
    return true;
  }

  /// Where the same tools look for it.
  Status read_token_service() {
    auto endpoint = first_of({"AWS_ENDPOINT_URL_STS"}, "sts.endpoint_url");
    if (!endpoint) endpoint = first_of({"AWS_ENDPOINT_URL"}, "endpoint_url");
    std::string& url = settings_.web_identity->endpoint;
    const std::string region = settings_.region_named ? "." + settings_.region : "";
    url = endpoint.value_or("https://sts" + region + ".amazonaws.com");
    while (url.ends_with('/')) url.pop_back();
    if (url.starts_with("http://") || url.starts_with("https://")) return {};
    return refused("the address of the security token service is '" + url +
                   "'; it has to be like https://sts.example.org");
  }

  /// Whoever says whose credentials to take does not mean those of the host.
  Status refuse_what_was_meant() const {
    for (const File* file : {&credentials_, &config_}) {
      for (const char* key : {"role_arn", "credential_process", "sso_session", "sso_start_url"}) {
        if (!file->section.contains(key)) continue;
        return refused(file->path + " [" + profile_ + "] has " + key +
                       ", but credentials of its kind are not supported" + kInstead);
      }
    }
    for (const char* name : {"AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"}) {
      const auto value = variable(name);
      if (!value) continue;
      return refused(std::string(name) + " is '" + *value + "', but there is no access key in " +
                     credentials_.path + " [" + profile_ + "] nor in " + config_.path + kInstead);
    }
    return {};
  }

  /// Amazon EC2 may have given the host some.
  Status read_metadata(const std::string& none) {
    if (variable("AWS_EC2_METADATA_DISABLED") == "true") return refused(none);
    std::string& url = settings_.metadata;
    url = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("http://169.254.169.254");
    while (url.ends_with('/')) url.pop_back();
    if (!url.starts_with("http://") && !url.starts_with("https://")) {
      return refused("AWS_EC2_METADATA_SERVICE_ENDPOINT is '" + url +
                     "'; it has to be an address like http://169.254.169.254");
    }
    settings_.no_credentials = refused(none).message();
    return {};
  }

  Status read_place() {
    const auto region = first_of({"AWS_REGION", "AWS_DEFAULT_REGION"}, "region");
    settings_.region_named = region.has_value();
    settings_.region = region.value_or(settings_.region);
    auto endpoint = first_of({"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}, "s3.endpoint_url");
    if (!endpoint) endpoint = first_of({}, "endpoint_url");
    settings_.endpoint = endpoint.value_or("");
    while (settings_.endpoint.ends_with('/')) settings_.endpoint.pop_back();
    const std::string& url = settings_.endpoint;
    if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
      return refused("the endpoint '" + url +
                     "' is no address; it has to be like https://s3.example.org or "
                     "http://10.0.0.1:9000");
    }
    // Servers of one's own seldom have a name for each bucket.
    const std::string style =
        first_of({"FANFOLD_S3_ADDRESSING"}, "s3.addressing_style").value_or("auto");
    if (style != "auto" && style != "path" && style != "virtual") {
      return refused("the addressing style '" + style + "' is not path, virtual or auto");
    }
    settings_.path_style = style == "path" || (style == "auto" && !url.empty());
    const std::string signing =
        first_of({"FANFOLD_S3_PAYLOAD_SIGNING"}, "s3.payload_signing_enabled")
            .value_or(url.starts_with("http://") ? "true" : "false");
    if (signing != "true" && signing != "false") {
      return refused("payload signing is '" + signing + "', not true or false");
    }
    settings_.signs_parts = signing == "true";
    return {};
  }

  Status read_seconds(const std::string& name, Duration* duration) const {
    const auto word = variable(name);
    if (!word) return {};
    unsigned seconds = 0;
    const char* const end = word->data() + word->size();
    const auto [rest, error] = std::from_chars(word->data(), end, seconds);
    if (error != std::errc() || rest != end || seconds == 0 || seconds > 3600) {
      return refused(name + " is '" + *word + "'; it has to be seconds, from 1 to 3600");
    }
    *duration = std::chrono::seconds(seconds);
    return {};
  }

  const Variables& variables_;
  std::string profile_;
  File credentials_;
  File config_;
  Settings settings_;
};

constexpr const char* kSecrets[] = {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                                    "AWS_CONTAINER_AUTHORIZATION_TOKEN"};

std::map<std::string, std::string>& hidden_variables() {
  static std::map<std::string, std::string>& hidden = *new std::map<std::string, std::string>;
  return hidden;
}

}  // namespace

Result<Settings> read_settings(const Variables& variables) { return Reader(variables).read(); }

std::optional<std::string> process_variable(const std::string& name) {
  const auto hidden = hidden_variables().find(name);
  if (hidden != hidden_variables().end()) return hidden->second;
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

void hide_secret_variables() {
  for (const char* name : kSecrets) {
    char* value = std::getenv(name);
    if (value == nullptr) continue;
    hidden_variables()[name] = value;
    // /proc/PID/environ shows these bytes whatever the list of variables says.
    std::memset(value, 0, std::strlen(value));
    ::unsetenv(name);
  }
}

}  // namespace fanfold::s3
