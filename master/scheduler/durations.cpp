#include "master/scheduler/durations.hpp"

#include <algorithm>
#include <bit>

namespace fanfold::master::scheduling {

void Durations::add(Duration duration) {
  const std::int64_t microseconds = std::max<std::int64_t>(duration.count() / 1000, 0);
  ++buckets_[bucket_of(static_cast<std::uint64_t>(microseconds))];
  ++count_;
  total_ += duration;
}

Duration Durations::quantile(std::uint32_t per_mille) const {
  auto left = static_cast<std::uint32_t>((std::uint64_t{count_} * per_mille + 999) / 1000);
  if (left == 0) return Duration(0);
  std::size_t bucket = 0;
  while (left > buckets_[bucket]) left -= buckets_[bucket++];
  return std::chrono::microseconds(upper_end(bucket));
}

std::size_t Durations::bucket_of(std::uint64_t microseconds) {
  if (microseconds < 8) return microseconds;
  const auto exponent = static_cast<std::size_t>(std::bit_width(microseconds)) - 1;
  const std::size_t eighth = (microseconds >> (exponent - 3)) & 7;
  return std::min((exponent - 2) * 8 + eighth, kBuckets - 1);
}

std::uint64_t Durations::upper_end(std::size_t bucket) {
  if (bucket < 8) return bucket;
  const std::size_t exponent = bucket / 8 + 2;
  return ((8 + bucket % 8 + 1) << (exponent - 3)) - 1;
}

}  // namespace fanfold::master::scheduling
