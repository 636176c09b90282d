// The order of fields of what shuffle.hpp has; part of fields.hpp, which includes this.

#pragma once

#include "common/proto/field_marks.hpp"
#include "common/proto/shuffle.hpp"

namespace fanfold::proto {

template <class Archive>
void serialize(Archive& archive, FetchedBytes& f) {
  archive(f.early, f.late);
}
template <class Archive>
void serialize(Archive& archive, ShuffleStatus& s) {
  archive(Checked{s.mode}, s.fetched);
}
template <class Archive>
void serialize(Archive& archive, HomeOutputs& m) {
  archive(m.job, m.partitions, m.over_network, m.segment_bytes_max, m.packed);
}

}  // namespace fanfold::proto
