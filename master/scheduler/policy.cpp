#include "master/scheduler/policy.hpp"

#include <algorithm>

#include "common/proto/types.hpp"

namespace fanfold::master::scheduling {

std::uint32_t shares_for(std::uint32_t maps, std::uint32_t slots, std::uint64_t bytes,
                         std::uint64_t all) {
  // What no slot could be spared for is done in time when it comes first.
  const std::uint64_t each = slots > 0 ? std::max<std::uint64_t>(all / slots, 1) : all;
  if (slots < 2 || bytes <= each) return 0;
  const std::uint32_t most = std::min({slots, maps, proto::kSharesOfPartition});
  return static_cast<std::uint32_t>(std::min<std::uint64_t>((bytes - 1) / each + 1, most));
}

Duration retry_delay(std::uint32_t failures) {
  Duration delay = kRetryDelayFirst;
  for (std::uint32_t i = 1; i < failures && delay < kRetryDelayMax; ++i) delay *= 2;
  return std::min(delay, kRetryDelayMax);
}

Duration exclusion_time(std::uint32_t times) {
  Duration time = kExclusionFirst;
  for (std::uint32_t i = 1; i < times && time < kExclusionMax; ++i) time *= 2;
  return std::min(time, kExclusionMax);
}

std::size_t exclusions_max(std::size_t workers) {
  if (workers < 2) return 0;
  return std::max<std::size_t>(1, workers * 33 / 100);
}

std::uint32_t queued_per_slot(Duration total, std::uint32_t count) {
  if (count < kQueueSamplesMin) return 0;
  const std::int64_t mean = std::max<std::int64_t>(total.count() / count, 1);
  const std::int64_t fitting = (kShortTask.count() - 1) / mean;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(fitting, kQueuedPerSlotMax));
}

bool in_tail(std::uint32_t tasks, std::uint32_t done) {
  return done > 0 && tasks - done <= std::max<std::uint32_t>(1, tasks / 4);
}

std::uint32_t backups_max(std::uint32_t tasks) { return std::max<std::uint32_t>(1, tasks / 10); }

Duration straggler_age(Duration median) { return std::max(2 * median, kStragglerAgeMin); }

Duration reunion_patience(Duration worker_silence_max) {
  return std::min(worker_silence_max / 4, kReunionPatienceMax);
}

std::uint64_t mixed_bits(std::uint64_t value) {
  std::uint64_t bits = value + 0x9e3779b97f4a7c15;
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
  return bits ^ bits >> 31;
}

bool is_audited(JobId job, std::uint32_t split, std::uint32_t per_million) {
  // Neighbouring splits must not share their fate.
  return mixed_bits(job.value << 32 | split) % 1'000'000 < per_million;
}

Duration suspicious_silence(Duration worker_silence_max) {
  // Three heartbeats of ten: more than a lost message or a busy moment.
  return worker_silence_max * 3 / 10;
}

Duration assignment_patience(Duration worker_silence_max) {
  // Silence is several heartbeats long; two of them fit in a fifth of it.
  return worker_silence_max / 5;
}

}  // namespace fanfold::master::scheduling
