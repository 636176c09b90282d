#include "cli/items/entry_file.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kFlushBytes = 1u << 20;

}  // namespace

Status EntryFiles::add(std::string_view json) {
  if (file_ != nullptr && bytes_ + json.size() > options_.bytes_max) {
    FANFOLD_RETURN_IF_ERROR(close());
  }
  if (file_ == nullptr) {
    const std::string name = options_.kind + "_" + std::to_string(options_.first + made_.size()) +
                             (options_.json_lines ? ".jsonl" : ".json");
    FANFOLD_ASSIGN_OR_RETURN(file_, io::create_part(files_, options_.directory + "/" + name, name,
                                                    io::PartCompression::kNone));
    bytes_ = 0;
    if (!options_.json_lines) buffer_ += "[\n";
  } else {
    buffer_ += options_.json_lines ? "\n" : ",\n";
  }
  buffer_ += json;
  bytes_ += json.size() + 2;
  ++entries_;
  if (buffer_.size() < kFlushBytes) return {};
  FANFOLD_RETURN_IF_ERROR(file_->write(buffer_, std::exchange(entries_, 0)));
  buffer_.clear();
  return {};
}

Status EntryFiles::close() {
  buffer_ += options_.json_lines ? "\n" : "\n]\n";
  FANFOLD_RETURN_IF_ERROR(file_->write(buffer_, std::exchange(entries_, 0)));
  buffer_.clear();
  FANFOLD_RETURN_IF_ERROR(file_->finish());
  made_.push_back(file_->info());
  file_.reset();
  return {};
}

Status EntryFiles::finish() { return file_ == nullptr ? Status() : close(); }

}  // namespace fanfold::cli
