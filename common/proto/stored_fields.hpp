// The order of fields of what is kept and never sent: beside fields.hpp, which says how.

#pragma once

#include "common/proto/fields.hpp"
#include "common/proto/stored.hpp"

namespace fanfold::proto {

template <class Archive>
void serialize(Archive& archive, StoredJob& j) {
  archive(j.spec, j.staging, j.partitions, j.splits, j.sample, j.notes);
}
template <class Archive>
void serialize(Archive& archive, StoredFeed& f) {
  archive(f.feeder, f.digest, f.splits);
}
template <class Archive>
void serialize(Archive& archive, StoredEnd& e) {
  archive(e.status, e.client_id, e.staging);
}
template <class Archive>
void serialize(Archive& archive, InputMark& m) {
  archive(m.path, m.file_bytes, m.offset, m.bytes, m.checksum);
}
template <class Archive>
void serialize(Archive& archive, Capsule& c) {
  archive(c.assignment, c.failure, c.list_pages, c.marks, c.record);
}

}  // namespace fanfold::proto
