#include "common/s3/written_object.hpp"

namespace fanfold::s3 {

WrittenObject::~WrittenObject() {
  // Whoever cleans up knows nothing of it.
  if (!done_ && upload_.begun()) {
    static_cast<void>(abort_upload(upload_.client(), object_.bucket, upload_.record()));
  }
}

Status WrittenObject::sync() {
  if (done_) return {};
  if (!upload_.begun()) {
    FANFOLD_RETURN_IF_ERROR(put_object(upload_.client(), object_, upload_.unsent(), true));
  } else {
    FANFOLD_RETURN_IF_ERROR(upload_.finish());
    FANFOLD_RETURN_IF_ERROR(complete_upload(upload_.client(), object_.bucket, upload_.record()));
  }
  done_ = true;
  return {};
}

Result<std::unique_ptr<io::WritableFile>> UnseenObject::create(ClientPool::Lease client,
                                                               const Location& record,
                                                               const Location& target) {
  std::unique_ptr<UnseenObject> object(new UnseenObject(std::move(client), record, target));
  Upload& upload = object->upload_;
  FANFOLD_RETURN_IF_ERROR(upload.begin());
  FANFOLD_RETURN_IF_ERROR(
      put_object(upload.client(), record, to_text(upload.record()), /*only_new=*/true));
  return std::unique_ptr<io::WritableFile>(std::move(object));
}

UnseenObject::~UnseenObject() {
  if (!done_ && upload_.begun()) {
    static_cast<void>(abort_upload(upload_.client(), record_.bucket, upload_.record()));
  }
}

Status UnseenObject::sync() {
  if (done_) return {};
  FANFOLD_RETURN_IF_ERROR(upload_.finish());
  FANFOLD_RETURN_IF_ERROR(
      put_object(upload_.client(), record_, to_text(upload_.record()), /*only_new=*/false));
  done_ = true;
  return {};
}

}  // namespace fanfold::s3
