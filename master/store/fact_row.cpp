#include "master/store/fact_row.hpp"

#include <xxhash.h>

#include <utility>

#include "common/core/planted.hpp"
#include "common/proto/wire.hpp"
#include "master/store/fact_codec.hpp"

namespace fanfold::master {
namespace {

std::uint64_t checksum_of(const FactRow& row) {
  proto::WireWriter bytes;
  bytes.number(row.sequence);
  bytes.number(row.epoch);
  bytes.number(row.job);
  bytes.number(static_cast<std::uint16_t>(row.tag));
  bytes.number(static_cast<std::uint16_t>(row.version));
  bytes.text(row.payload);
  bytes.text(row.note);
  const std::string text = bytes.take();
  return XXH3_64bits(text.data(), text.size());
}

Result<Fact> read_row(const FactRow& row) {
  const auto tag = static_cast<std::uint16_t>(row.tag);
  const auto version = static_cast<std::uint16_t>(row.version);
  if (tag != row.tag || version != row.version || row.checksum != checksum_of(row)) {
    return Status(StatusCode::kCorruption,
                  "fact " + std::to_string(row.sequence) + " has a wrong checksum");
  }
  return decode_fact(tag, version, row.payload);
}

}  // namespace

FactRow row_of(std::uint64_t sequence, std::uint64_t epoch, const StoredFact& stored) {
  EncodedFact encoded = encode_fact(stored.fact);
  FactRow row;
  row.sequence = sequence;
  row.epoch = epoch;
  row.job = job_of(stored.fact).value;
  row.tag = encoded.tag;
  row.version = encoded.version;
  row.payload = std::move(encoded.payload);
  row.note = stored.note;
  row.checksum = checksum_of(row);
  return row;
}

Result<std::vector<NumberedFact>> read_rows(
    const std::function<Result<std::optional<FactRow>>()>& next) {
  std::vector<NumberedFact> facts;
  for (;;) {
    FANFOLD_ASSIGN_OR_RETURN(std::optional<FactRow> row, next());
    if (!row) return facts;
    auto fact = read_row(*row);
    if (!fact.ok() && planted(Bug::kTruncateAtDamage)) return facts;
    if (!fact.ok()) return std::move(fact).status();
    facts.push_back({row->sequence, {*std::move(fact), std::move(row->note)}});
  }
}

}  // namespace fanfold::master
