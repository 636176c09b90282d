#include "common/io/byte_source.hpp"

namespace fanfold::io {
namespace {

class RangeSource final : public ByteSource {
 public:
  RangeSource(std::unique_ptr<ReadableFile> file, std::string path, std::uint64_t begin,
              std::uint64_t end)
      : file_(std::move(file)), path_(std::move(path)), begin_(begin), end_(end), next_(begin) {
    file_->will_read(begin_, end_);
  }

  Result<std::size_t> read(std::span<char> buffer) override {
    if (ended_) return std::size_t{0};
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file_->read_at(next_, buffer));
    next_ += count;
    ended_ = count < buffer.size();
    if (ended_ && next_ < end_) {
      return Status(StatusCode::kCorruption,
                    path_ + " has only " + std::to_string(next_) + " bytes, but had at least " +
                        std::to_string(end_) + " when the job was planned: do not change input " +
                        "while a job reads it");
    }
    return count;
  }

  std::uint64_t file_bytes_read() const override { return next_ - begin_; }

 private:
  const std::unique_ptr<ReadableFile> file_;
  const std::string path_;
  const std::uint64_t begin_;
  const std::uint64_t end_;
  std::uint64_t next_;
  bool ended_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> make_range_source(std::unique_ptr<ReadableFile> file, std::string path,
                                              std::uint64_t begin, std::uint64_t end) {
  return std::make_unique<RangeSource>(std::move(file), std::move(path), begin, end);
}

}  // namespace fanfold::io
