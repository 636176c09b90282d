#include "master/service/result_digest.hpp"

#include <algorithm>
#include <string>

#include "common/io/dead_letter.hpp"
#include "common/proto/codec.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::master {

std::uint64_t result_digest(const proto::AttemptReport& report) {
  proto::AttemptReport same;
  same.records_in = report.records_in;
  same.records_out = report.records_out;
  same.splitters = report.splitters;
  same.output_empty = report.output_empty;
  same.emitted = report.emitted;
  same.flow = report.flow;
  same.records_mapped = report.records_mapped;
  same.records_skipped = report.records_skipped;
  same.dead_letters = report.dead_letters;
  same.failures = report.failures;
  for (const io::PartInfo& file : report.files) {
    if (file.name != io::kDeadLettersName) same.files.push_back(file);
  }
  std::sort(same.files.begin(), same.files.end(),
            [](const io::PartInfo& a, const io::PartInfo& b) { return a.name < b.name; });
  return hash(proto::encode_struct(same));
}

}  // namespace fanfold::master
