#include "worker/plugin/description.hpp"

#include "worker/plugin/fields.hpp"

namespace fanfold::worker {
namespace {

constexpr std::uint64_t kDescribed = 1;
constexpr std::uint64_t kRefused = 2;

void write_texts(const std::vector<std::string>& texts, FieldWriter* out) {
  out->number(texts.size());
  for (const std::string& text : texts) out->text(text);
}

std::vector<std::string> read_texts(FieldReader* in) {
  std::vector<std::string> texts;
  for (std::uint64_t left = in->count(); left > 0 && in->ok(); --left) {
    texts.emplace_back(in->text());
  }
  return texts;
}

void write_parameter(const abi::Parameter& parameter, FieldWriter* out) {
  out->text(parameter.name);
  out->number(static_cast<std::uint64_t>(parameter.type));
  out->number(parameter.required ? 1 : 0);
  out->text(parameter.default_value);
  out->text(parameter.help);
  write_texts(parameter.choices, out);
}

abi::Parameter read_parameter(FieldReader* in) {
  abi::Parameter parameter;
  parameter.name = in->text();
  parameter.type = static_cast<abi::ParameterType>(in->number());
  parameter.required = in->number() != 0;
  parameter.default_value = in->text();
  parameter.help = in->text();
  parameter.choices = read_texts(in);
  return parameter;
}

void write_job(const abi::JobInfo& job, FieldWriter* out) {
  out->text(job.name);
  out->text(job.summary);
  out->number(static_cast<std::uint64_t>(job.format));
  out->number(job.fixed_length);
  out->number(job.csv_header ? 1 : 0);
  out->number(static_cast<std::uint64_t>(job.partitioning));
  out->number(job.has_combiner ? 1 : 0);
  out->number(job.has_reduce ? 1 : 0);
  out->number(job.order_values ? 1 : 0);
  out->number(static_cast<std::uint64_t>(job.gather));
  out->number(job.gather_arity);
  out->number(job.writes_at_end ? 1 : 0);
  out->text(job.key_order);
  write_texts(job.inputs, out);
  out->number(job.parameters.size());
  for (const abi::Parameter& parameter : job.parameters) write_parameter(parameter, out);
}

abi::JobInfo read_job(FieldReader* in) {
  abi::JobInfo job;
  job.name = in->text();
  job.summary = in->text();
  job.format = static_cast<abi::RecordFormat>(in->number());
  job.fixed_length = in->number();
  job.csv_header = in->number() != 0;
  job.partitioning = static_cast<abi::Partitioning>(in->number());
  job.has_combiner = in->number() != 0;
  job.has_reduce = in->number() != 0;
  job.order_values = in->number() != 0;
  job.gather = static_cast<abi::Gather>(in->number());
  job.gather_arity = static_cast<std::uint32_t>(in->number());
  job.writes_at_end = in->number() != 0;
  job.key_order = in->text();
  job.inputs = read_texts(in);
  for (std::uint64_t left = in->count(); left > 0 && in->ok(); --left) {
    job.parameters.push_back(read_parameter(in));
  }
  return job;
}

}  // namespace

std::string encode_description(const abi::Plugin& plugin) {
  FieldWriter out;
  out.number(kDescribed);
  out.number(plugin.api_version);
  out.number(plugin.jobs.size());
  for (const abi::JobInfo& job : plugin.jobs) write_job(job, &out);
  return out.take();
}

std::string encode_refusal(const Status& status) {
  FieldWriter out;
  out.number(kRefused);
  out.number(static_cast<std::uint64_t>(status.code()));
  out.text(status.message());
  return out.take();
}

Result<abi::Plugin> decode_description(std::string_view bytes) {
  const Status damaged(StatusCode::kCorruption, "the description of the plugin is damaged");
  FieldReader in(bytes);
  const std::uint64_t kind = in.number();
  if (kind == kRefused) {
    const auto code = static_cast<StatusCode>(in.number());
    const std::string message(in.text());
    if (!in.ok() || code == StatusCode::kOk || code == StatusCode::kCorruption) return damaged;
    return Status(code, message);
  }
  if (kind != kDescribed) return damaged;
  abi::Plugin plugin;
  plugin.api_version = static_cast<std::uint32_t>(in.number());
  for (std::uint64_t left = in.count(); left > 0 && in.ok(); --left) {
    plugin.jobs.push_back(read_job(&in));
  }
  if (!in.ok() || !in.at_end() || plugin.jobs.empty()) return damaged;
  return plugin;
}

}  // namespace fanfold::worker
