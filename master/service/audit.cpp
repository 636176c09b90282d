#include "master/service/audit.hpp"

namespace fanfold::master {
namespace {

/// Of those who came over the master's private socket.
constexpr std::string_view kLocal = "local";

std::string_view key_of(const net::Sender& who) {
  return who.holder ? std::string_view(who.holder->name) : kLocal;
}

std::string_view address_of(const net::Sender& who) {
  return who.address.empty() ? kLocal : std::string_view(who.address);
}

}  // namespace

void Audit::submitted(const net::Sender& who, JobId job, const proto::JobSpec& spec) {
  if (log_ == nullptr) return;
  log_->info("job.submitted", {{"key", key_of(who)},
                               {"address", address_of(who)},
                               {"job", job.value},
                               {"name", spec.job_name},
                               {"plugin", spec.plugin.sha256},
                               {"output", spec.output},
                               {"traceparent", spec.traceparent}});
}

void Audit::cancelled(const net::Sender& who, JobId job) {
  if (log_ == nullptr) return;
  log_->info("job.cancelled",
             {{"key", key_of(who)}, {"address", address_of(who)}, {"job", job.value}});
}

void Audit::changed(const net::Sender& who, JobId job) {
  if (log_ == nullptr) return;
  log_->info("job.changed",
             {{"key", key_of(who)}, {"address", address_of(who)}, {"job", job.value}});
}

void Audit::fed(const net::Sender& who, JobId job) {
  if (log_ == nullptr) return;
  log_->info("job.fed", {{"key", key_of(who)}, {"address", address_of(who)}, {"job", job.value}});
}

void Audit::closed(const net::Sender& who, JobId job) {
  if (log_ == nullptr) return;
  log_->info("job.closed",
             {{"key", key_of(who)}, {"address", address_of(who)}, {"job", job.value}});
}

void Audit::stored(const net::Sender& who, std::string_view sha256) {
  if (log_ == nullptr) return;
  log_->info("blob.stored",
             {{"key", key_of(who)}, {"address", address_of(who)}, {"sha256", sha256}});
}

void Audit::stopped_cluster(const net::Sender& who) {
  if (log_ == nullptr) return;
  log_->info("cluster.stopped", {{"key", key_of(who)}, {"address", address_of(who)}});
}

void Audit::worker_joined(const net::Sender& who, std::string_view name) {
  if (log_ == nullptr) return;
  log_->info("worker.joined",
             {{"key", key_of(who)}, {"address", address_of(who)}, {"worker", name}});
}

void Audit::refused(const net::Sender& who, std::string_view what) {
  ++refused_;
  if (log_ == nullptr || (refused_ & (refused_ - 1)) != 0) return;
  log_->warn(
      "message.refused",
      {{"key", key_of(who)}, {"address", address_of(who)}, {"what", what}, {"refused", refused_}});
}

void Audit::stranger(std::string_view address, std::string_view fingerprint,
                     std::uint64_t refused) {
  if (log_ == nullptr) return;
  log_->warn("connection.refused",
             {{"address", address}, {"fingerprint", fingerprint}, {"refused", refused}});
}

void Audit::key_changed(std::string_view change, std::string_view key) {
  if (log_ == nullptr) return;
  log_->info("key." + std::string(change), {{"key", key}});
}

}  // namespace fanfold::master
