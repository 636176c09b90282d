#include "common/profile/sample_writer.hpp"

#include <utility>

namespace fanfold {

SampleWriter::~SampleWriter() = default;

Status SampleWriter::append(const std::string& directory, StackProfile profile) {
  const std::uint64_t samples = profile.samples() + profile.left_out;
  if (samples == 0) return {};
  const MutexLock lock(mutex_);
  if (order_) {
    left_out_ += samples;
    return {StatusCode::kUnavailable,
            "the profile of this attempt is left out: " + order_->directory +
                " still does not take an earlier one"};
  }
  profile.left_out += std::exchange(left_out_, 0);
  order_ = Order{directory, std::move(profile)};
  outcome_.reset();
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  }
  changed_.notify_all();
  changed_.wait_for(mutex_, patience_,
                    [this]() FANFOLD_REQUIRES(mutex_) { return outcome_.has_value(); });
  if (outcome_) return *outcome_;
  return {StatusCode::kUnavailable, "the profile of this attempt may be late or left out: " +
                                        directory + " does not take it in time"};
}

void SampleWriter::work(const std::stop_token& stop) {
  while (true) {
    Order order;
    {
      const MutexLock lock(mutex_);
      if (!changed_.wait(mutex_, stop,
                         [this]() FANFOLD_REQUIRES(mutex_) { return order_.has_value(); })) {
        return;
      }
      order = *order_;
    }
    Status written = append_profile(order.directory, order.profile);
    const MutexLock lock(mutex_);
    order_.reset();
    outcome_ = std::move(written);
    changed_.notify_all();
  }
}

}  // namespace fanfold
